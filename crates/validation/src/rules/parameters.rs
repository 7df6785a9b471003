//! The values that predefined rules are given, as constants of expressions.

use groundplan_expr::ir::Const;
use groundplan_expr::{Given, GivenField};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};

/// A value; none if it is of a kind that no rule has.
pub(super) fn value(value: &Value) -> Option<Given> {
    Some(match value {
        Value::List(items) => Given::List(items.iter().map(constant).collect::<Option<_>>()?),
        Value::Message(found) => match constant(value) {
            Some(constant) => Given::Value(constant),
            None => message(found),
        },
        value => Given::Value(constant(value)?),
    })
}

/// The fields of a message, those that are not set with what they read as.
pub(super) fn message(message: &DynamicMessage) -> Given {
    let descriptor = message.descriptor();
    let fields = descriptor.fields().filter_map(|field| {
        let is_set = message.has_field(&field);
        let value = if is_set || field.kind().as_message().is_none() || field.is_list() {
            value(&message.get_field(&field))?
        } else {
            absent(&field)
        };
        Some(GivenField { name: field.name().to_owned(), is_set, value })
    });
    Given::Message(fields.collect())
}

/// What an absent message reads as: times are zero, others are not looked into.
fn absent(field: &FieldDescriptor) -> Given {
    match field.kind() {
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
            Given::Value(Const::Timestamp(0))
        }
        Kind::Message(message) if message.full_name() == "google.protobuf.Duration" => Given::Value(Const::Duration(0)),
        _ => Given::Message(Vec::new()),
    }
}

fn constant(value: &Value) -> Option<Const> {
    Some(match value {
        Value::Bool(value) => Const::Bool(*value),
        Value::I32(value) | Value::EnumNumber(value) => Const::Int(i64::from(*value)),
        Value::I64(value) => Const::Int(*value),
        Value::U32(value) => Const::Uint(u64::from(*value)),
        Value::U64(value) => Const::Uint(*value),
        Value::F32(value) => Const::Double(f64::from(*value)),
        Value::F64(value) => Const::Double(*value),
        Value::String(value) => Const::String(value.clone()),
        Value::Bytes(value) => Const::Bytes(value.to_vec()),
        Value::Message(message) => time(message)?,
        Value::List(_) | Value::Map(_) => return None,
    })
}

/// A timestamp or a duration, in whole microseconds.
fn time(message: &DynamicMessage) -> Option<Const> {
    let seconds = message.get_field_by_name("seconds")?.as_i64()?;
    let nanos = i64::from(message.get_field_by_name("nanos")?.as_i32()?);
    let micros = seconds.checked_mul(1_000_000)?.checked_add(nanos / 1_000)?;
    match message.descriptor().full_name() {
        "google.protobuf.Timestamp" => Some(Const::Timestamp(micros)),
        "google.protobuf.Duration" => Some(Const::Duration(micros)),
        _ => None,
    }
}
