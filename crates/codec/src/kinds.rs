//! Properties of kinds that all encodings share.

use crate::{DecodeError, Record, Value};
use bytes::Bytes;
use groundplan_model::shape::{EnumShape, Kind};

/// The enum whose only value JSON writes as `null`.
const NULL_VALUE: &str = "google.protobuf.NullValue";

/// Whether an enum is `google.protobuf.NullValue`.
pub(crate) fn is_null_value(shape: &EnumShape) -> bool {
    shape.full_name == NULL_VALUE
}

/// Returns the zero value of a scalar. Messages have none.
pub(crate) fn zero(kind: Kind) -> Option<Value> {
    Some(match kind {
        Kind::Bool => Value::Bool(false),
        Kind::Integer(integer) if integer.exceeds_bigint() => Value::Uint(0),
        Kind::Integer(_) => Value::Int(0),
        Kind::Float | Kind::Double => Value::Double(0.0),
        Kind::String => Value::String(String::new()),
        Kind::Bytes => Value::Bytes(Bytes::new()),
        Kind::Enum(_) => Value::Enum(0),
        _ => return None,
    })
}

/// Rejects the character that PostgreSQL's `text` and `jsonb` cannot store.
pub(crate) fn reject_nul(text: &str) -> Result<&str, DecodeError> {
    if text.as_bytes().contains(&0) {
        return Err(DecodeError::new("nul", "must not contain the character U+0000; use a bytes field for such data"));
    }
    Ok(text)
}

/// Visits each message inside a value.
pub(crate) fn for_each_message(value: &mut Value, visit: &mut impl FnMut(&mut Record)) {
    match value {
        Value::Message(record) => visit(record),
        Value::List(elements) => elements.iter_mut().for_each(|element| for_each_message(element, visit)),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, value)| for_each_message(value, visit)),
        _ => {}
    }
}
