//! `google.api.field_behavior` at work: what a caller may set, change and see.
//!
//! The codec knows what a definition says. Here is what it cannot know: the fields that are the server's because of
//! their role, and what a change compares with.

use groundplan_codec::mask::{clear_input_only, clear_output_only};
use groundplan_codec::{Record, Value};
use groundplan_model::catalog::{Model, Roles};
use groundplan_model::shape::{Behavior, Cardinality, Field, FieldId, Kind, Shape, ShapeId, Shapes};
use std::collections::HashSet;

/// Which behaviors the fields of a model have, at any depth, found once a revision.
#[derive(Debug)]
pub(crate) struct Behaviors {
    output_only: bool,
    input_only: bool,
    immutable: bool,
}

/// What an update cannot change, as it was before.
pub(crate) struct Before<'a> {
    model: &'a Model,
    record: &'a Record,
    /// Whether it has something immutable to compare with.
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

    /// Forgets what the caller of a creation sent in fields that only the server sets (AIP-203). Updates need none of
    /// this: masks leave such fields alone.
    pub(crate) fn clear_output_only(&self, model: &Model, record: &mut Record) {
        for field in own(&model.roles).into_iter().flatten() {
            record.set(field, None);
        }
        if self.output_only {
            clear_output_only(&model.shapes, model.shape, record);
        }
    }

    /// Whether there are fields that no response shows.
    pub(crate) fn hides_input(&self) -> bool {
        self.input_only
    }

    /// Leaves out what no response shows.
    pub(crate) fn hide_input_only(&self, model: &Model, record: &mut Record) {
        if self.input_only {
            clear_input_only(&model.shapes, model.shape, record);
        }
    }

    /// What an update of a record is held against.
    pub(crate) fn before<'a>(&self, model: &'a Model, record: &'a Record) -> Before<'a> {
        Before { model, record, is_compared: self.immutable }
    }
}

impl Before<'_> {
    /// Gives the server's own fields the values that they had.
    pub(crate) fn keep_own(&self, after: &mut Record) {
        for field in own(&self.model.roles).into_iter().flatten() {
            after.set(field, self.record.get(field).cloned());
        }
    }

    /// Gives immutable fields that a whole replacement leaves out the values that they had: whoever replaces a record
    /// does not know, or need not repeat, what cannot change.
    pub(crate) fn keep_immutable(&self, after: &mut Record) {
        if self.is_compared {
            fill_in(&self.model.shapes, self.model.shape(), self.record, after);
        }
    }

    /// The path of an immutable field that differs.
    pub(crate) fn changed_immutable(&self, after: &Record) -> Option<String> {
        let model = self.model;
        self.is_compared.then(|| changed(&model.shapes, model.shape(), self.record, after)).flatten()
    }
}

/// The fields that are the server's by their role. The id is among them once a record exists: a creation takes it first.
fn own(roles: &Roles) -> [Option<FieldId>; 5] {
    [Some(roles.id), roles.created_at, roles.updated_at, roles.deleted_at, roles.etag]
}

/// The message types that a message is made of, itself included.
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

/// Copies the immutable fields that `after` does not have, in messages within too, where both records have them.
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

/// Whether another member of the field's oneof is set, so that the field cannot be.
fn has_other_member(shape: &Shape, field: &Field, record: &Record) -> bool {
    let Cardinality::Oneof(oneof) = field.cardinality else { return false };
    let members = shape.oneofs.get(usize::from(oneof)).map_or(&[][..], |oneof| &oneof.members);
    members.iter().any(|member| record.get(*member).is_some())
}

/// The path of an immutable field that differs, in messages within too, where both records have them.
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
