//! Converts between types.

use super::{Datum, EvaluationFailure};
use crate::ir::Type;

/// 2^63 and 2^64: larger doubles are out of the range of int and uint.
const INT_END: f64 = 9_223_372_036_854_775_808.0;
const UINT_END: f64 = 18_446_744_073_709_551_616.0;

pub(super) fn convert<'e>(value: &Datum<'e>, ty: &Type) -> Result<Datum<'e>, EvaluationFailure> {
    match ty {
        Type::Int => int(value).map(Datum::Int),
        Type::Uint => uint(value).map(Datum::Uint),
        Type::Double => double(value).map(Datum::Double),
        Type::String => string(value).map(Datum::owned_text),
        _ => Ok(value.clone()),
    }
}

fn int(value: &Datum<'_>) -> Result<i64, EvaluationFailure> {
    match value {
        Datum::Double(value) => {
            // Like Go, excludes the smallest int.
            if !(*value > -INT_END && *value < INT_END) {
                return Err(EvaluationFailure::Overflow);
            }
            #[expect(clippy::cast_possible_truncation, reason = "CEL truncates towards zero, and the range is checked")]
            Ok(*value as i64)
        }
        value => {
            i64::try_from(value.integer().ok_or(EvaluationFailure::Null)?).map_err(|_| EvaluationFailure::Overflow)
        }
    }
}

fn uint(value: &Datum<'_>) -> Result<u64, EvaluationFailure> {
    match value {
        Datum::Double(value) => {
            if !(*value >= 0.0 && *value < UINT_END) {
                return Err(EvaluationFailure::Overflow);
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "CEL truncates towards zero, and the range is checked"
            )]
            Ok(*value as u64)
        }
        value => {
            u64::try_from(value.integer().ok_or(EvaluationFailure::Null)?).map_err(|_| EvaluationFailure::Overflow)
        }
    }
}

fn double(value: &Datum<'_>) -> Result<f64, EvaluationFailure> {
    match value {
        Datum::Double(value) => Ok(*value),
        value =>
        {
            #[expect(clippy::cast_precision_loss, reason = "CEL rounds to the nearest double")]
            Ok(value.integer().ok_or(EvaluationFailure::Null)? as f64)
        }
    }
}

fn string(value: &Datum<'_>) -> Result<String, EvaluationFailure> {
    match value {
        Datum::String(text) => Ok(text.to_string()),
        Datum::Bool(value) => Ok(value.to_string()),
        value => Ok(value.integer().ok_or(EvaluationFailure::Null)?.to_string()),
    }
}
