//! The parameters of predefined rules, as constants of expressions.

use groundplan_expr::ir::Const;
use groundplan_expr::{RuleParameter, RuleParameterField};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};

/// Converts a value; `None` if no rule supports its kind.
pub(super) fn value(value: &Value) -> Option<RuleParameter> {
    Some(match value {
        Value::List(items) => RuleParameter::List(items.iter().map(constant).collect::<Option<_>>()?),
        Value::Message(inner) => match constant(value) {
            Some(constant) => RuleParameter::Value(constant),
            None => message(inner),
        },
        value => RuleParameter::Value(constant(value)?),
    })
}

/// Converts the fields of a message; unset fields have their defaults.
pub(super) fn message(message: &DynamicMessage) -> RuleParameter {
    let descriptor = message.descriptor();
    let fields = descriptor.fields().filter_map(|field| {
        let is_set = message.has_field(&field);
        let value = if is_set || field.kind().as_message().is_none() || field.is_list() {
            value(&message.get_field(&field))?
        } else {
            absent(&field)
        };
        Some(RuleParameterField { name: field.name().to_owned(), is_set, value })
    });
    RuleParameter::Message(fields.collect())
}

/// Returns the default of an absent message: zero for times, an empty message otherwise.
fn absent(field: &FieldDescriptor) -> RuleParameter {
    match field.kind() {
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
            RuleParameter::Value(Const::Timestamp(0))
        }
        Kind::Message(message) if message.full_name() == "google.protobuf.Duration" => {
            RuleParameter::Value(Const::Duration(0))
        }
        _ => RuleParameter::Message(Vec::new()),
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

/// Converts a timestamp or a duration to whole microseconds.
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
