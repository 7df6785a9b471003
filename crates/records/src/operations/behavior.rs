//! `google.api.field_behavior` at work: what a caller may set, change and see.

use groundplan_codec::{Record, Value};
use groundplan_model::catalog::Model;
use groundplan_model::shape::{Behavior, Field, FieldId, Kind, Shape, ShapeId, Shapes};
use std::collections::HashSet;

/// Which of a model's fields have a behavior, found once a revision.
#[derive(Debug)]
pub(crate) struct Behaviors {
    /// The fields of the model itself that only the server sets, its own among them.
    output_only: Vec<FieldId>,
    /// Whether any message within, at any depth, has an output-only field.
    deep_output_only: bool,
    /// Whether the model or any message within has an input-only field.
    input_only: bool,
    /// Whether the model or any message within has an immutable field.
    immutable: bool,
}

impl Behaviors {
    pub(crate) fn of_model(model: &Model) -> Self {
        let roles = [model.roles.created_at, model.roles.updated_at, model.roles.etag];
        let is_system = |id: FieldId| roles.contains(&Some(id));
        let own = model.shape().iter().filter(|(id, field)| field.behavior.output_only || is_system(*id));
        let within = shapes_within(&model.shapes, model.shape);
        let any = |is: fn(&Behavior) -> bool| {
            within.iter().any(|shape| model.shapes.get(*shape).fields.iter().any(|field| is(&field.behavior)))
        };
        Self {
            output_only: own.map(|(id, _)| id).filter(|id| *id != model.roles.id).collect(),
            deep_output_only: any(|behavior| behavior.output_only),
            input_only: any(|behavior| behavior.input_only),
            immutable: any(|behavior| behavior.immutable),
        }
    }

    /// Forgets what a caller sent in fields that only the server sets (AIP-203).
    pub(crate) fn clear_output_only(&self, model: &Model, record: &mut Record) {
        for field in &self.output_only {
            record.set(*field, None);
        }
        if self.deep_output_only {
            strip(&model.shapes, model.shape(), record, |behavior| behavior.output_only);
        }
    }

    /// Gives the fields that only the server sets the values that they had.
    pub(crate) fn keep_output_only(&self, before: &Record, after: &mut Record) {
        for field in &self.output_only {
            after.set(*field, before.get(*field).cloned());
        }
    }

    /// Leaves out what no response shows.
    pub(crate) fn hide_input_only(&self, model: &Model, record: &mut Record) {
        if self.input_only {
            strip(&model.shapes, model.shape(), record, |behavior| behavior.input_only);
        }
    }

    /// The path of an immutable field that differs.
    pub(crate) fn changed_immutable(&self, model: &Model, before: &Record, after: &Record) -> Option<String> {
        if self.immutable { changed(&model.shapes, model.shape(), before, after) } else { None }
    }
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

/// Removes the fields of a behavior, in messages within too. The codec has bounded the depth.
fn strip(shapes: &Shapes, shape: &Shape, record: &mut Record, is: fn(&Behavior) -> bool) {
    for (id, field) in shape.iter() {
        if is(&field.behavior) {
            record.set(id, None);
        } else if let Kind::Message(inner) = field.kind
            && let Some(mut value) = record.take(id)
        {
            strip_value(shapes, shapes.get(inner), &mut value, is);
            record.set(id, Some(value));
        }
    }
}

fn strip_value(shapes: &Shapes, shape: &Shape, value: &mut Value, is: fn(&Behavior) -> bool) {
    match value {
        Value::Message(record) => strip(shapes, shape, record, is),
        Value::List(values) => values.iter_mut().for_each(|value| strip_value(shapes, shape, value, is)),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, value)| strip_value(shapes, shape, value, is)),
        _ => {}
    }
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
