//! Compiles constants to slots.

use super::piece::Piece;
use super::value::{Bounds, SqlType, Value};
use super::{Slot, unsupported};
use crate::ExprError;
use crate::ir::Const;

/// Returns a constant with an explicit type.
pub(super) fn value(constant: &Const) -> Result<Value, ExprError> {
    let (slot, ty) = slot(constant)?;
    let bounds = match constant {
        Const::Int(value) | Const::Timestamp(value) | Const::Duration(value) => {
            Bounds::Whole((*value).into(), (*value).into())
        }
        Const::Uint(value) => Bounds::Whole((*value).into(), (*value).into()),
        Const::Enum(value) => Bounds::Whole((*value).into(), (*value).into()),
        Const::Double(value) if *value == 0.0 => Bounds::Real { largest: 0.0, smallest: f64::MAX, finite: true },
        Const::Double(value) if value.is_finite() => {
            Bounds::Real { largest: value.abs(), smallest: value.abs(), finite: true }
        }
        Const::Double(_) => Bounds::ANY_DOUBLE,
        _ => Bounds::Unknown,
    };
    Ok(Value::new(Piece::typed(slot, ty.name()), ty).with_bounds(bounds))
}

/// Returns the slot of a constant in its own type.
pub(super) fn slot(constant: &Const) -> Result<(Slot, SqlType), ExprError> {
    Ok(match constant {
        Const::Bool(value) => (Slot::Boolean(*value), SqlType::Boolean),
        Const::Int(value) => (Slot::Bigint(*value), SqlType::Bigint),
        Const::Uint(value) => match i64::try_from(*value) {
            Ok(value) => (Slot::Bigint(value), SqlType::Bigint),
            Err(_) => (Slot::Numeric(*value), SqlType::Numeric),
        },
        Const::Double(value) => (Slot::DoublePrecision(*value), SqlType::Double),
        Const::String(value) => (text(value)?, SqlType::Text),
        Const::Bytes(value) => (Slot::Bytea(value.clone()), SqlType::Bytea),
        Const::Timestamp(value) => (Slot::Timestamptz(*value), SqlType::Timestamptz),
        Const::Duration(value) => (Slot::Interval(*value), SqlType::Interval),
        Const::Enum(value) => (Slot::Integer(*value), SqlType::Integer),
        Const::Null => {
            return Err(unsupported("`null` can only be compared with fields of wrapper types"));
        }
    })
}

/// Returns the slot of a text that PostgreSQL can store.
pub(super) fn text(text: &str) -> Result<Slot, ExprError> {
    if text.contains('\0') {
        return Err(unsupported("a text has the character U+0000, which PostgreSQL cannot store: leave it out"));
    }
    Ok(Slot::Text(text.to_owned()))
}

/// Returns the slot of an integer for a comparison with a value of a type; `None` if it is out of the type's range.
pub(super) fn integer_slot(number: i128, ty: SqlType) -> Option<Piece> {
    match ty {
        SqlType::Integer => i32::try_from(number).ok().map(|number| Piece::slot(Slot::Integer(number))),
        SqlType::Bigint => i64::try_from(number).ok().map(|number| Piece::slot(Slot::Bigint(number))),
        _ => match (u64::try_from(number), i64::try_from(number)) {
            (Ok(number), _) => Some(Piece::slot(Slot::Numeric(number))),
            (_, Ok(number)) => Some(Piece::typed(Slot::Bigint(number), "bigint")),
            _ => None,
        },
    }
}

/// Parses the canonical text of a UUID; `None` for any other text.
pub(super) fn uuid(text: &str) -> Option<[u8; 16]> {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths != [8, 4, 4, 4, 12] {
        return None;
    }
    let digits = groups.concat();
    if !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}
