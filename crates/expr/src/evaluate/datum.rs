//! Values of expressions.

use crate::ir::{Const, Type};
use groundplan_codec::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

/// The value of an expression.
#[derive(Clone, Debug)]
pub(crate) enum Datum<'e> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Cow<'e, str>),
    Bytes(Cow<'e, [u8]>),
    Timestamp(i64),
    Duration(i64),
    Enum(i32),
}

impl<'e> Datum<'e> {
    pub(crate) fn of_const(constant: &'e Const) -> Self {
        match constant {
            Const::Bool(value) => Self::Bool(*value),
            Const::Int(value) => Self::Int(*value),
            Const::Uint(value) => Self::Uint(*value),
            Const::Double(value) => Self::Double(*value),
            Const::String(value) => Self::String(Cow::Borrowed(value)),
            Const::Bytes(value) => Self::Bytes(Cow::Borrowed(value)),
            Const::Timestamp(value) => Self::Timestamp(*value),
            Const::Duration(value) => Self::Duration(*value),
            Const::Enum(value) => Self::Enum(*value),
            Const::Null => Self::Null,
        }
    }

    /// A stored value, of a type that has values.
    pub(super) fn of_value(value: &'e Value, ty: &Type) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Self::Bool(*value),
            // Unsigned numbers of 32 bits are kept with sign.
            Value::Int(value) if *ty == Type::Uint => Self::Uint(value.unsigned_abs()),
            Value::Int(value) => Self::Int(*value),
            Value::Uint(value) => Self::Uint(*value),
            Value::Double(value) => Self::Double(*value),
            Value::String(value) => Self::String(Cow::Borrowed(value)),
            Value::Bytes(value) => Self::Bytes(Cow::Borrowed(value)),
            Value::Enum(value) => Self::Enum(*value),
            Value::Timestamp(value) => Self::Timestamp(*value),
            Value::Duration(value) => Self::Duration(*value),
            Value::List(_) | Value::Map(_) | Value::Message(_) => return None,
            Value::FieldMask(_) | Value::Json(_) | Value::Empty => return None,
        })
    }

    /// What an absent scalar reads as.
    pub(crate) fn zero(ty: &Type) -> Option<Self> {
        Some(match ty {
            Type::Bool => Self::Bool(false),
            Type::Int => Self::Int(0),
            Type::Uint => Self::Uint(0),
            Type::Double => Self::Double(0.0),
            Type::String => Self::String(Cow::Borrowed("")),
            Type::Bytes => Self::Bytes(Cow::Borrowed(&[])),
            Type::Enum(_) => Self::Enum(0),
            _ => return None,
        })
    }

    pub(crate) fn into_owned(self) -> Datum<'static> {
        match self {
            Self::Null => Datum::Null,
            Self::Bool(value) => Datum::Bool(value),
            Self::Int(value) => Datum::Int(value),
            Self::Uint(value) => Datum::Uint(value),
            Self::Double(value) => Datum::Double(value),
            Self::String(value) => Datum::String(Cow::Owned(value.into_owned())),
            Self::Bytes(value) => Datum::Bytes(Cow::Owned(value.into_owned())),
            Self::Timestamp(value) => Datum::Timestamp(value),
            Self::Duration(value) => Datum::Duration(value),
            Self::Enum(value) => Datum::Enum(value),
        }
    }

    /// `==`: numbers by their values, `null` only with `null`.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }

    /// The order, if there is one: texts by their code points, bytes by their values, numbers by theirs.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => Some(left.cmp(right)),
            (Self::String(left), Self::String(right)) => Some(left.cmp(right)),
            (Self::Bytes(left), Self::Bytes(right)) => Some(left.cmp(right)),
            (Self::Timestamp(left), Self::Timestamp(right)) | (Self::Duration(left), Self::Duration(right)) => {
                Some(left.cmp(right))
            }
            (Self::Double(left), Self::Double(right)) => left.partial_cmp(right),
            (Self::Double(left), right) => compare_numbers(right.integer()?, *left).map(Ordering::reverse),
            (left, Self::Double(right)) => compare_numbers(left.integer()?, *right),
            (left, right) => Some(left.integer()?.cmp(&right.integer()?)),
        }
    }

    /// An integer of any type.
    pub(crate) fn integer(&self) -> Option<i128> {
        match self {
            Self::Int(value) => Some(i128::from(*value)),
            Self::Uint(value) => Some(i128::from(*value)),
            Self::Enum(value) => Some(i128::from(*value)),
            _ => None,
        }
    }
}

/// How an integer of at most 65 bits compares with a double, exactly.
pub(crate) fn compare_numbers(left: i128, right: f64) -> Option<Ordering> {
    const BEYOND: f64 = 36_893_488_147_419_103_232.0;
    if right.is_nan() {
        return None;
    }
    if right >= BEYOND {
        return Some(Ordering::Less);
    }
    if right <= -BEYOND {
        return Some(Ordering::Greater);
    }
    let whole = right.trunc();
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and far inside of the range")]
    let order = left.cmp(&(whole as i128));
    Some(order.then_with(|| whole.partial_cmp(&right).unwrap_or(Ordering::Equal)))
}
