//! JSON merge patches (RFC 7396): the parts of a record that change, down to keys of maps and of free-form JSON.
//!
//! The values are in a record that results from applying the patch to an empty one; a [`Merge`] says which of them to copy and
//! what to remove. A patch is thus applied like any other update, to the record at the time of the write.

use super::Apply;
use crate::value::key_order;
use crate::{Record, Value};
use groundplan_model::shape::{Field, FieldId, Kind, Shape, ShapeId, Shapes};
use serde_json::{Map, Value as Json};
use std::fmt::Write as _;

/// The fields of a message that a patch names, in the order of its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merge(pub(crate) Vec<(FieldId, Step)>);

/// How a field, or the value of a key, changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// It becomes the update's value, or is removed if the update has none.
    Whole,
    /// These fields of a message change. A missing message is created.
    Message(Merge),
    /// These keys of a map change.
    Map(Vec<(Value, Step)>),
    /// Free-form JSON is merged with this patch.
    Json(Json),
}

impl Merge {
    /// Returns the merge without some top-level fields.
    #[must_use]
    pub fn without_fields(mut self, fields: &[FieldId]) -> Self {
        self.0.retain(|(field, _)| !fields.contains(field));
        self
    }

    /// Renders the merge with field numbers: equal texts for equal patches of the same shape.
    pub fn canonical(&self, shapes: &Shapes, shape: ShapeId) -> String {
        let mut out = String::new();
        describe_fields(shapes, shapes.get(shape), self, &mut out);
        out
    }
}

impl Apply<'_> {
    /// Applies the fields that a patch names.
    pub(super) fn merge(&self, shape: &Shape, merge: &Merge, base: &mut Record, update: &mut Record) {
        for (id, step) in &merge.0 {
            let field = shape.field(*id);
            if field.behavior.output_only {
                continue;
            }
            match step {
                Step::Whole => self.replace_field(shape, *id, base, update.take(*id)),
                step => {
                    let value = self.step(field, step, base.take(*id), update.take(*id));
                    base.set_in(shape, *id, value);
                }
            }
        }
    }

    /// Returns the new value of a field, or of a key of a map.
    fn step(&self, field: &Field, step: &Step, before: Option<Value>, update: Option<Value>) -> Option<Value> {
        match (step, field.kind) {
            (Step::Message(merge), Kind::Message(inner)) => {
                let inner = self.shapes.get(inner);
                let mut target = message_or_new(before, inner);
                self.merge(inner, merge, &mut target, &mut message_or_new(update, inner));
                Some(Value::Message(target))
            }
            (Step::Map(steps), _) => {
                let mut entries = entries_of(before);
                let mut updates = entries_of(update);
                for (key, step) in steps {
                    let value = self.step(field, step, take(&mut entries, key), take(&mut updates, key));
                    if let (Some(value), Err(at)) = (value, find(&entries, key)) {
                        entries.insert(at, (key.clone(), value));
                    }
                }
                Some(Value::Map(entries))
            }
            (Step::Json(patch), _) => {
                let target = if let Some(Value::Json(target)) = before { target } else { Json::Null };
                Some(Value::Json(merge_json(target, patch)))
            }
            _ => update,
        }
    }
}

/// Merges a patch into free-form JSON (RFC 7396, section 2).
pub(crate) fn merge_json(target: Json, patch: &Json) -> Json {
    let Json::Object(members) = patch else { return patch.clone() };
    let mut merged = if let Json::Object(target) = target { target } else { Map::new() };
    for (key, value) in members {
        let before = merged.remove(key);
        if !value.is_null() {
            merged.insert(key.clone(), merge_json(before.unwrap_or(Json::Null), value));
        }
    }
    Json::Object(merged)
}

fn message_or_new(value: Option<Value>, shape: &Shape) -> Record {
    if let Some(Value::Message(record)) = value { record } else { Record::new(shape) }
}

fn entries_of(value: Option<Value>) -> Vec<(Value, Value)> {
    if let Some(Value::Map(entries)) = value { entries } else { Vec::new() }
}

/// Returns the index of a key, or where to insert it.
fn find(entries: &[(Value, Value)], key: &Value) -> Result<usize, usize> {
    entries.binary_search_by(|(other, _)| key_order(other, key))
}

fn take(entries: &mut Vec<(Value, Value)>, key: &Value) -> Option<Value> {
    find(entries, key).ok().map(|at| entries.remove(at).1)
}

fn describe_fields(shapes: &Shapes, shape: &Shape, merge: &Merge, out: &mut String) {
    let mut fields: Vec<_> = merge.0.iter().map(|(id, step)| (shape.field(*id), step)).collect();
    fields.sort_by_key(|(field, _)| field.number);
    for (field, step) in fields {
        // Writing to a string does not fail.
        let _ = write!(out, "{}", field.number);
        describe(shapes, field, step, out);
    }
}

fn describe(shapes: &Shapes, field: &Field, step: &Step, out: &mut String) {
    match step {
        Step::Whole => out.push(';'),
        Step::Message(merge) => {
            out.push('{');
            if let Kind::Message(inner) = field.kind {
                describe_fields(shapes, shapes.get(inner), merge, out);
            }
            out.push('}');
        }
        Step::Map(steps) => {
            out.push('[');
            for (key, step) in steps {
                let _ = write!(out, "{:?}", key.key_text());
                describe(shapes, field, step, out);
            }
            out.push(']');
        }
        Step::Json(patch) => {
            let _ = write!(out, "={patch};");
        }
    }
}
