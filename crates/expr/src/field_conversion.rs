//! Converts values of expressions to values of fields, whose types can be smaller.

use crate::evaluate::{Datum, EvaluationFailure};
use crate::limits::MAX_RESULT_BYTES;
use groundplan_codec::Value;
use groundplan_model::shape::{Integer, Kind};

/// Converts to a value of a scalar field; `None` for `null`.
pub(crate) fn to_field_value(kind: Kind, datum: Datum<'_>) -> Result<Option<Value>, EvaluationFailure> {
    let kind = match kind {
        Kind::Wrapper(wrapped) => wrapped.kind(),
        kind => kind,
    };
    Ok(Some(match (kind, datum) {
        (_, Datum::Null) => return Ok(None),
        (Kind::Integer(integer), datum) => convert_integer(integer, datum.integer().ok_or(EvaluationFailure::Null)?)?,
        (Kind::Float, Datum::Double(value)) => Value::Double(convert_float(value)?),
        (Kind::Double, Datum::Double(value)) => Value::Double(canonical_nan(value)),
        (Kind::Bool, Datum::Bool(value)) => Value::Bool(value),
        (Kind::String, Datum::String(text)) if text.len() <= MAX_RESULT_BYTES => Value::String(text.into_owned()),
        (Kind::Bytes, Datum::Bytes(bytes)) if bytes.len() <= MAX_RESULT_BYTES => {
            Value::Bytes(bytes.into_owned().into())
        }
        (Kind::String, Datum::String(_)) | (Kind::Bytes, Datum::Bytes(_)) => return Err(EvaluationFailure::TooLong),
        (Kind::Enum(_), Datum::Enum(value)) => Value::Enum(value),
        (Kind::Timestamp, Datum::Timestamp(value)) => Value::Timestamp(value),
        (Kind::Duration, Datum::Duration(value)) => Value::Duration(value),
        // The checker rejects all other pairs.
        _ => return Err(EvaluationFailure::Null),
    }))
}

fn convert_integer(integer: Integer, value: i128) -> Result<Value, EvaluationFailure> {
    let out_of_range = || EvaluationFailure::OutOfField(type_with_article(integer));
    if !integer.range().contains(&value) {
        return Err(out_of_range());
    }
    // The codec stores unsigned 32-bit integers as signed ones.
    if integer.exceeds_bigint() {
        u64::try_from(value).map(Value::Uint).map_err(|_| out_of_range())
    } else {
        i64::try_from(value).map(Value::Int).map_err(|_| out_of_range())
    }
}

/// Rounds to the nearest `float`; fails for numbers that are too large.
#[expect(clippy::cast_possible_truncation, reason = "a field of that type rounds to the nearest float")]
fn convert_float(value: f64) -> Result<f64, EvaluationFailure> {
    let rounded = f64::from(value as f32);
    let is_beyond = rounded.is_infinite() && value.is_finite();
    if is_beyond { Err(EvaluationFailure::OutOfField("a float")) } else { Ok(canonical_nan(rounded)) }
}

/// Replaces any NaN by the canonical NaN of records.
fn canonical_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

fn type_with_article(integer: Integer) -> &'static str {
    match integer {
        Integer::Int32 => "an int32",
        Integer::Sint32 => "a sint32",
        Integer::Sfixed32 => "an sfixed32",
        Integer::Uint32 => "a uint32",
        Integer::Fixed32 => "a fixed32",
        Integer::Int64 => "an int64",
        Integer::Sint64 => "a sint64",
        Integer::Sfixed64 => "an sfixed64",
        Integer::Uint64 => "a uint64",
        Integer::Fixed64 => "a fixed64",
    }
}
