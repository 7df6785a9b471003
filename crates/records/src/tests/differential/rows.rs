//! Random records of any shape, out of the pools.

use super::pool;
use bytes::Bytes;
use groundplan_codec::{Record, Value};
use groundplan_model::catalog::Model;
use groundplan_model::shape::{Cardinality, Integer, Kind, MapKey, ShapeId, Shapes, Wrapped};
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::collections::HashMap;

/// How deep messages are nested: a record's, theirs, and theirs.
const MAX_DEPTH: usize = 3;

/// A record of a model. Its references lead to `ids`, by the names of their models, or nowhere.
pub(super) fn record(random: &mut StdRng, model: &Model, ids: &HashMap<String, Vec<String>>) -> Record {
    let mut record = message(random, &model.shapes, model.shape, 0);
    for reference in &model.references {
        let ids = ids.get(&reference.target).map_or(&[][..], Vec::as_slice);
        let id = ids.get(random.random_range(0..ids.len() + 1));
        record.set(reference.field, id.map(|id| Value::String(id.clone())));
    }
    record
}

fn message(random: &mut StdRng, shapes: &Shapes, id: ShapeId, depth: usize) -> Record {
    let shape = shapes.get(id);
    let mut record = Record::new(shape);
    // Some messages are rather full, some rather empty.
    let absent = random.random_range(0.05..0.5);
    for (field_id, field) in shape.iter() {
        if random.random_bool(absent) {
            continue;
        }
        let length = if depth == 0 { 5 } else { 3 };
        let elements = |random: &mut StdRng| {
            let length = random.random_range(0..length);
            (0..length).filter_map(|_| value(random, shapes, field.kind, depth)).collect::<Vec<Value>>()
        };
        let value = match field.cardinality {
            Cardinality::Repeated => Some(Value::List(elements(random))),
            Cardinality::Map(key) => Some(map(random, key, elements)),
            _ => value(random, shapes, field.kind, depth),
        };
        record.set_in(shape, field_id, value);
    }
    record
}

/// Keys are unique; their order is the business of reading them back.
fn map(random: &mut StdRng, key: MapKey, elements: impl FnOnce(&mut StdRng) -> Vec<Value>) -> Value {
    let mut entries: Vec<(Value, Value)> = Vec::new();
    for value in elements(random) {
        let key = match key {
            MapKey::Bool => Value::Bool(random.random()),
            MapKey::Integer(Integer::Uint64 | Integer::Fixed64) => Value::Uint(pool::small_uint(random)),
            MapKey::Integer(kind) if random.random_bool(0.1) => integer(random, kind),
            MapKey::Integer(_) => Value::Int(random.random_range(0..3)),
            MapKey::String => Value::String(pool::key(random)),
        };
        if entries.iter().all(|(other, _)| *other != key) {
            entries.push((key, value));
        }
    }
    Value::Map(entries)
}

#[expect(clippy::cast_possible_truncation, reason = "rounded: it is the value of a float")]
fn value(random: &mut StdRng, shapes: &Shapes, kind: Kind, depth: usize) -> Option<Value> {
    Some(match kind {
        Kind::Bool | Kind::Wrapper(Wrapped::Bool) => Value::Bool(random.random()),
        Kind::Integer(kind) | Kind::Wrapper(Wrapped::Integer(kind)) => integer(random, kind),
        Kind::Float | Kind::Wrapper(Wrapped::Float) => Value::Double(f64::from(pool::double(random) as f32)),
        Kind::Double | Kind::Wrapper(Wrapped::Double) => Value::Double(pool::double(random)),
        Kind::String | Kind::Wrapper(Wrapped::String) => Value::String(pool::string(random)),
        Kind::Bytes | Kind::Wrapper(Wrapped::Bytes) => Value::Bytes(Bytes::from(pool::bytes(random))),
        Kind::Enum(_) => Value::Enum(pool::mood(random)),
        Kind::Message(_) if depth == MAX_DEPTH => return None,
        Kind::Message(inner) => Value::Message(message(random, shapes, inner, depth + 1)),
        Kind::Timestamp => Value::Timestamp(pool::time(random)),
        Kind::Duration => Value::Duration(pool::duration(random)),
        Kind::FieldMask | Kind::Struct | Kind::Value | Kind::ListValue | Kind::Empty => return None,
    })
}

/// A number of the type: one of the pool that fits, or zero.
fn integer(random: &mut StdRng, kind: Integer) -> Value {
    match (kind.exceeds_bigint(), kind.is_unsigned(), kind.is_64_bit()) {
        (true, ..) => Value::Uint(pool::uint(random)),
        (_, true, _) => Value::Int(u32::try_from(pool::uint(random)).unwrap_or_default().into()),
        (_, _, true) => Value::Int(pool::int(random)),
        _ => Value::Int(i32::try_from(pool::int(random)).unwrap_or_default().into()),
    }
}
