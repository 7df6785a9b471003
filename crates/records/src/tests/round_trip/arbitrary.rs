//! Random records of any shape.

use bytes::Bytes;
use groundplan_codec::{Record, Value};
use groundplan_model::shape::{Cardinality, Integer, Kind, MapKey, ShapeId, Shapes, Wrapped};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;

/// The maximum depth of nested messages.
const MAX_DEPTH: usize = 3;

/// Numbers at the limits of their types, one per record: in each double and float field, and in each integer field whose range
/// includes it.
pub(in crate::tests) const EDGES: &[Edge] = &[
    Edge::Double(f64::NAN),
    Edge::Double(f64::INFINITY),
    Edge::Double(f64::NEG_INFINITY),
    Edge::Double(-0.0),
    Edge::Double(f64::MAX),
    Edge::Double(5e-324),
    Edge::Integer(i64::MIN as i128),
    Edge::Integer(i64::MAX as i128),
    Edge::Integer(1 << 63),
    Edge::Integer(u64::MAX as i128),
    Edge::Integer(u32::MAX as i128),
    Edge::Integer(i32::MIN as i128),
];

#[derive(Clone, Copy, Debug)]
pub(in crate::tests) enum Edge {
    Double(f64),
    Integer(i128),
}

/// Returns a record with an edge value in each singular and repeated field that can hold it.
#[expect(clippy::cast_possible_truncation, reason = "an edge of a double is one of a float, rounded")]
pub(in crate::tests) fn edge(shapes: &Shapes, id: ShapeId, edge: Edge) -> Record {
    let shape = shapes.get(id);
    let mut record = Record::new(shape);
    for (field_id, field) in shape.iter() {
        let value = match (edge, field.kind) {
            (Edge::Double(number), Kind::Double | Kind::Wrapper(Wrapped::Double)) => Value::Double(number),
            (Edge::Double(number), Kind::Float | Kind::Wrapper(Wrapped::Float)) => {
                Value::Double(f64::from(number as f32))
            }
            (Edge::Integer(number), Kind::Integer(integer) | Kind::Wrapper(Wrapped::Integer(integer))) => {
                match of_integer(integer, number) {
                    Some(value) => value,
                    None => continue,
                }
            }
            _ => continue,
        };
        let value = match field.cardinality {
            Cardinality::Map(_) | Cardinality::Oneof(_) => continue,
            Cardinality::Repeated => Value::List(vec![value.clone(), value]),
            _ => value,
        };
        record.set_in(shape, field_id, Some(value));
    }
    record
}

fn of_integer(integer: Integer, number: i128) -> Option<Value> {
    Some(match (integer.exceeds_bigint(), integer.is_unsigned(), integer.is_64_bit()) {
        (true, ..) => Value::Uint(u64::try_from(number).ok()?),
        (_, true, _) => Value::Int(u32::try_from(number).ok()?.into()),
        (_, _, true) => Value::Int(i64::try_from(number).ok()?),
        _ => Value::Int(i32::try_from(number).ok()?.into()),
    })
}

/// Returns a random record with about half of its fields set.
pub(in crate::tests) fn record(random: &mut StdRng, shapes: &Shapes, id: ShapeId, depth: usize) -> Record {
    let shape = shapes.get(id);
    let mut record = Record::new(shape);
    for (field_id, field) in shape.iter() {
        if random.random_bool(if depth == 0 { 0.5 } else { 0.3 }) {
            continue;
        }
        let mut one = || value(random, shapes, field.kind, depth);
        let Some(first) = one() else { continue };
        let value = match field.cardinality {
            Cardinality::Repeated => Value::List([Some(first), one(), one()].into_iter().flatten().collect()),
            Cardinality::Map(key) => {
                let second = one();
                let mut entries = vec![(map_key(random, key), first)];
                entries.extend(second.map(|second| (map_key(random, key), second)));
                Value::Map(entries)
            }
            _ => first,
        };
        record.set_in(shape, field_id, Some(value));
    }
    record
}

fn value(random: &mut StdRng, shapes: &Shapes, kind: Kind, depth: usize) -> Option<Value> {
    Some(match kind {
        Kind::Bool | Kind::Wrapper(Wrapped::Bool) => Value::Bool(random.random()),
        Kind::Integer(kind) | Kind::Wrapper(Wrapped::Integer(kind)) => integer(random, kind),
        Kind::Float | Kind::Wrapper(Wrapped::Float) => Value::Double(f64::from(f32::from_bits(random.random()))),
        Kind::Double | Kind::Wrapper(Wrapped::Double) => Value::Double(f64::from_bits(random.random())),
        Kind::String | Kind::Wrapper(Wrapped::String) => Value::String(text(random)),
        Kind::Bytes | Kind::Wrapper(Wrapped::Bytes) => {
            let length = random.random_range(0..20);
            Value::Bytes((0..length).map(|_| random.random::<u8>()).collect::<Bytes>())
        }
        Kind::Enum(_) => Value::Enum(if random.random() { random.random_range(0..3) } else { random.random() }),
        Kind::Message(_) if depth == MAX_DEPTH => return None,
        Kind::Message(inner) => Value::Message(record(random, shapes, inner, depth + 1)),
        Kind::Timestamp => Value::Timestamp(random.random_range(-62_135_596_800_000_000..=253_402_300_799_999_999)),
        Kind::Duration => Value::Duration(random.random_range(-315_576_000_000_000_000..=315_576_000_000_000_000)),
        Kind::FieldMask => Value::FieldMask(vec!["a_path.to_it".to_owned(), "b".to_owned()]),
        Kind::Struct => Value::Json(json!({ text(random): json(random, 0), "b": json(random, 0) })),
        Kind::Value => Value::Json(json(random, 0)),
        Kind::ListValue => Value::Json(json!([json(random, 0), json(random, 0)])),
        Kind::Empty => Value::Empty,
    })
}

fn integer(random: &mut StdRng, kind: Integer) -> Value {
    match (kind.exceeds_bigint(), kind.is_unsigned(), kind.is_64_bit()) {
        (true, ..) => Value::Uint(random.random()),
        (_, true, _) => Value::Int(random.random::<u32>().into()),
        (_, _, true) => Value::Int(random.random()),
        _ => Value::Int(random.random::<i32>().into()),
    }
}

fn map_key(random: &mut StdRng, key: MapKey) -> Value {
    match key {
        MapKey::Bool => Value::Bool(random.random()),
        MapKey::Integer(kind) => integer(random, kind),
        MapKey::String => Value::String(text(random)),
    }
}

/// Returns a text with characters that often cause errors.
fn text(random: &mut StdRng) -> String {
    const LETTERS: &[char] =
        &['a', 'Z', '0', ' ', '\'', '"', '\\', '$', '?', '%', '\n', '\u{1}', 'é', '\u{1F600}', '\u{7F}'];
    let length = random.random_range(0..12);
    (0..length).map(|_| LETTERS[random.random_range(0..LETTERS.len())]).collect()
}

fn json(random: &mut StdRng, depth: usize) -> serde_json::Value {
    match random.random_range(0..if depth < 2 { 6 } else { 4 }) {
        0 => serde_json::Value::Null,
        1 => json!(random.random::<bool>()),
        2 => json!(f64::from(random.random::<i32>()) / 8.0),
        3 => json!(text(random)),
        4 => json!([json(random, depth + 1)]),
        _ => json!({ text(random): json(random, depth + 1) }),
    }
}
