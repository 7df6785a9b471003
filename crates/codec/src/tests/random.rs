//! Random records of any shape.

use super::shapes;
use crate::value::key_order;
use crate::{Record, Value, kinds, number};
use groundplan_model::shape::{Cardinality, Field, Integer, Kind, ShapeId};
use proptest::prelude::*;
use serde_json::Value as Json;

/// The nesting of random messages.
const DEPTH: u32 = 2;

pub(super) fn record(shape: ShapeId) -> BoxedStrategy<Record> {
    record_to(shape, DEPTH)
}

fn record_to(id: ShapeId, depth: u32) -> BoxedStrategy<Record> {
    // Mostly few fields, so that failures are readable; sometimes all.
    prop_oneof![9 => with_chance(id, depth, 0.2), 1 => with_chance(id, depth, 0.9)].boxed()
}

fn with_chance(id: ShapeId, depth: u32, chance: f64) -> BoxedStrategy<Record> {
    let fields = shapes().get(id).fields.iter();
    let values: Vec<_> = fields.map(|field| proptest::option::weighted(chance, field_value(field, depth))).collect();
    values
        .prop_map(move |values| {
            let shape = shapes().get(id);
            let mut record = Record::new(shape);
            for ((id, _), value) in shape.iter().zip(values) {
                if let Some(value) = value.flatten() {
                    record.set_in(shape, id, Some(value));
                }
            }
            record
        })
        .boxed()
}

/// Returns a value of a field; `None` where messages would nest too deep.
pub(super) fn field_value(field: &Field, depth: u32) -> BoxedStrategy<Option<Value>> {
    if matches!(field.kind, Kind::Message(_)) && depth == 0 {
        return Just(None).boxed();
    }
    let single = value(field.kind, depth);
    match field.cardinality {
        Cardinality::Repeated => {
            proptest::collection::vec(single, 0..4).prop_map(|list| Some(Value::List(list))).boxed()
        }
        Cardinality::Map(key) => {
            let entry = (value(key.kind(), 0), single);
            let entries = proptest::collection::vec(entry, 0..4).prop_map(|mut entries| {
                entries.sort_by(|(left, _), (right, _)| key_order(left, right));
                entries.dedup_by(|(left, _), (right, _)| left == right);
                Some(Value::Map(entries))
            });
            entries.boxed()
        }
        _ => single.prop_map(Some).boxed(),
    }
}

fn value(kind: Kind, depth: u32) -> BoxedStrategy<Value> {
    match kind {
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Integer(integer) => integer_value(integer),
        Kind::Float => prop_oneof![any::<f32>(), edge_doubles().prop_map(number::narrow)]
            .prop_map(|value| Value::double(value.into()))
            .boxed(),
        Kind::Double => prop_oneof![any::<f64>(), edge_doubles()].prop_map(Value::double).boxed(),
        Kind::String => string().prop_map(Value::String).boxed(),
        Kind::Bytes => any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into())).boxed(),
        Kind::Enum(id) if kinds::is_null_value(shapes().enumeration(id)) => Just(Value::Enum(0)).boxed(),
        Kind::Enum(_) => prop_oneof![-2..5_i32, any::<i32>()].prop_map(Value::Enum).boxed(),
        Kind::Message(shape) => record_to(shape, depth.saturating_sub(1)).prop_map(Value::Message).boxed(),
        Kind::Timestamp => {
            let edges =
                prop_oneof![Just(-62_135_596_800_000_000), Just(253_402_300_799_999_999), -2_000_000..2_000_000_i64];
            let whole = (-62_135_596_800..253_402_300_800_i64).prop_map(|seconds| seconds * 1_000_000);
            prop_oneof![edges, whole, -62_135_596_800_000_000..253_402_300_800_000_000_i64]
                .prop_map(Value::Timestamp)
                .boxed()
        }
        Kind::Duration => {
            let longest = 315_576_000_000_999_999_i64;
            prop_oneof![-longest..=longest, -2_000_000..2_000_000_i64].prop_map(Value::Duration).boxed()
        }
        Kind::Wrapper(wrapped) => value(wrapped.kind(), 0),
        Kind::FieldMask => proptest::collection::vec(r"[a-z]{1,4}(_[a-z]{1,3}){0,2}(\.[a-z]{1,4}){0,2}", 0..4)
            .prop_map(Value::FieldMask)
            .boxed(),
        Kind::Struct => members().prop_map(Value::Json).boxed(),
        Kind::Value => json().prop_map(Value::Json).boxed(),
        Kind::ListValue => proptest::collection::vec(json(), 0..3).prop_map(|list| Value::Json(list.into())).boxed(),
        Kind::Empty => Just(Value::Empty).boxed(),
    }
}

fn integer_value(integer: Integer) -> BoxedStrategy<Value> {
    match integer {
        Integer::Int32 | Integer::Sint32 | Integer::Sfixed32 => {
            prop_oneof![any::<i32>(), Just(0), Just(i32::MIN), Just(i32::MAX)]
                .prop_map(|n| Value::Int(n.into()))
                .boxed()
        }
        Integer::Uint32 | Integer::Fixed32 => {
            prop_oneof![any::<u32>(), Just(u32::MAX)].prop_map(|number| Value::Int(number.into())).boxed()
        }
        Integer::Int64 | Integer::Sint64 | Integer::Sfixed64 => {
            prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)].prop_map(Value::Int).boxed()
        }
        Integer::Uint64 | Integer::Fixed64 => prop_oneof![any::<u64>(), Just(u64::MAX)].prop_map(Value::Uint).boxed(),
    }
}

fn edge_doubles() -> impl Strategy<Value = f64> {
    let edges = [0.0, -0.0, 1.0, 0.1, 123.0, 1e16, 1e21, 1e300, 5e-324, f64::MAX, 9_007_199_254_740_993.0];
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    proptest::sample::select([&edges[..], &special[..]].concat())
}

/// Returns any text without U+0000.
fn string() -> impl Strategy<Value = String> {
    let odd = ["", "\"", "\\", "\u{1}\u{1f}\u{7f}", "\u{2028}", "é😀", "null", "{}", "\u{ffff}"].map(str::to_owned);
    prop_oneof!["[a-c]{0,3}", any::<String>(), proptest::sample::select(odd.to_vec())]
        .prop_map(|text| text.replace('\0', ""))
}

fn json() -> BoxedStrategy<Json> {
    let doubles = prop_oneof![any::<f64>(), edge_doubles(), (-1000..1000_i32).prop_map(f64::from)];
    let numbers = doubles.prop_map(|value| number::to_json_number(value).map_or(Json::Null, Json::Number));
    let leaf =
        prop_oneof![Just(Json::Null), any::<bool>().prop_map(Json::Bool), numbers, string().prop_map(Json::String)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Json::Array),
            proptest::collection::btree_map(string(), inner, 0..3).prop_map(|members| members.into_iter().collect()),
        ]
    })
    .boxed()
}

fn members() -> impl Strategy<Value = Json> {
    proptest::collection::btree_map(string(), json(), 0..3).prop_map(|members| members.into_iter().collect())
}
