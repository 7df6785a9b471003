//! Applies `google.api.field_behavior`: which fields callers can set, change and see.
//!
//! The codec applies the behaviors of single messages. This module adds the fields that the server sets because of their role,
//! and the comparison of a change with the stored record.

use groundplan_codec::mask::{clear_input_only, clear_output_only};
use groundplan_codec::{Record, Value};
use groundplan_model::catalog::{Model, Roles};
use groundplan_model::shape::{Behavior, Cardinality, Field, FieldId, Kind, Shape, ShapeId, Shapes};
use std::collections::HashSet;

/// The behaviors of a model's fields at any depth, determined once per revision.
#[derive(Debug)]
pub(crate) struct Behaviors {
    output_only: bool,
    input_only: bool,
    immutable: bool,
}

/// The stored record of an update, to compare and keep immutable fields.
pub(crate) struct Before<'a> {
    model: &'a Model,
    record: &'a Record,
    /// Whether the model has immutable fields.
    is_compared: bool,
}

impl Behaviors {
    pub(crate) fn of_model(model: &Model) -> Self {
        let within = shapes_within(&model.shapes, model.shape);
        let any = |is: fn(&Behavior) -> bool| {
            within.iter().any(|shape| model.shapes.get(*shape).fields.iter().any(|field| is(&field.behavior)))
        };
        Self {
            output_only: any(|behavior| behavior.output_only),
            input_only: any(|behavior| behavior.input_only),
            immutable: any(|behavior| behavior.immutable),
        }
    }

    /// Clears the fields of a new record that only the server sets (AIP-203). Updates do not need this, because masks exclude
    /// such fields.
    pub(crate) fn clear_output_only(&self, model: &Model, record: &mut Record) {
        for field in own(&model.roles).into_iter().flatten() {
            record.set(field, None);
        }
        if self.output_only {
            clear_output_only(&model.shapes, model.shape, record);
        }
    }

    /// Reports whether the model has fields that responses omit.
    pub(crate) fn hides_input(&self) -> bool {
        self.input_only
    }

    /// Clears the fields that responses omit.
    pub(crate) fn hide_input_only(&self, model: &Model, record: &mut Record) {
        if self.input_only {
            clear_input_only(&model.shapes, model.shape, record);
        }
    }

    /// Returns the stored record to compare an update with.
    pub(crate) fn before<'a>(&self, model: &'a Model, record: &'a Record) -> Before<'a> {
        Before { model, record, is_compared: self.immutable }
    }
}

impl Before<'_> {
    /// Restores the fields that the server sets.
    pub(crate) fn keep_own(&self, after: &mut Record) {
        for field in own(&self.model.roles).into_iter().flatten() {
            after.set(field, self.record.get(field).cloned());
        }
    }

    /// Restores the immutable fields that a replacement omits. Callers do not have to repeat fields that cannot change.
    pub(crate) fn keep_immutable(&self, after: &mut Record) {
        if self.is_compared {
            fill_in(&self.model.shapes, self.model.shape(), self.record, after);
        }
    }

    /// Returns the path of an immutable field that differs.
    pub(crate) fn changed_immutable(&self, after: &Record) -> Option<String> {
        let model = self.model;
        self.is_compared.then(|| changed(&model.shapes, model.shape(), self.record, after)).flatten()
    }
}

/// Returns the fields that the server sets because of their role. For existing records, they include the id.
fn own(roles: &Roles) -> [Option<FieldId>; 5] {
    [Some(roles.id), roles.created_at, roles.updated_at, roles.deleted_at, roles.etag]
}

/// Returns the message types that a message contains, including itself.
fn shapes_within(shapes: &Shapes, root: ShapeId) -> HashSet<ShapeId> {
    let mut found = HashSet::from([root]);
    let mut open = vec![root];
    while let Some(shape) = open.pop() {
        for field in &shapes.get(shape).fields {
            if let Kind::Message(inner) = field.kind
                && found.insert(inner)
            {
                open.push(inner);
            }
        }
    }
    found
}

/// Copies the immutable fields that `after` does not have, also in nested messages that both records have.
fn fill_in(shapes: &Shapes, shape: &Shape, before: &Record, after: &mut Record) {
    for (id, field) in shape.iter() {
        if field.behavior.immutable {
            if after.get(id).is_none() && !has_other_member(shape, field, after) {
                after.set(id, before.get(id).cloned());
            }
        } else if let (Kind::Message(inner), Some(Value::Message(before)), Some(Value::Message(after))) =
            (field.kind, before.get(id), after.get_mut(id))
        {
            fill_in(shapes, shapes.get(inner), before, after);
        }
    }
}

/// Reports whether another member of the field's oneof is set, so that the field cannot be set.
fn has_other_member(shape: &Shape, field: &Field, record: &Record) -> bool {
    let Cardinality::Oneof(oneof) = field.cardinality else { return false };
    let members = shape.oneofs.get(usize::from(oneof)).map_or(&[][..], |oneof| &oneof.members);
    members.iter().any(|member| record.get(*member).is_some())
}

/// Returns the path of an immutable field that differs, also in nested messages that both records have.
fn changed(shapes: &Shapes, shape: &Shape, before: &Record, after: &Record) -> Option<String> {
    shape.iter().find_map(|(id, field)| {
        let (old, new) = (before.get(id), after.get(id));
        if field.behavior.immutable {
            return (old != new).then(|| field.name.clone());
        }
        changed_within(shapes, field, old?, new?)
    })
}

fn changed_within(shapes: &Shapes, field: &Field, old: &Value, new: &Value) -> Option<String> {
    let (Kind::Message(inner), Value::Message(old), Value::Message(new)) = (field.kind, old, new) else { return None };
    changed(shapes, shapes.get(inner), old, new).map(|path| format!("{}.{path}", field.name))
}
