//! Values of expressions.

use super::EvaluationFailure;
use super::list::List;
use crate::ir::{Const, Type};
use groundplan_codec::{Record, Value};
use groundplan_model::shape::MapKey;
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
    List(List<'e>),
    /// The entries are sorted by their keys.
    Map {
        entries: &'e [(Value, Value)],
        key: MapKey,
        value: &'e Type,
    },
    /// `None` if it is absent, which reads like an empty one.
    Message(Option<&'e Record>),
    /// A value that expressions cannot read.
    Opaque,
}

impl<'e> Datum<'e> {
    pub(crate) fn from_const(constant: &'e Const) -> Self {
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

    /// Converts a stored value of any type.
    pub(crate) fn from_element(value: &'e Value, ty: &'e Type) -> Self {
        match (value, ty) {
            (Value::List(elements), Type::List(ty)) => Self::List(List::Stored(elements, ty)),
            (Value::Map(entries), Type::Map(key, value)) => Self::Map { entries, key: *key, value },
            (Value::Message(record), _) => Self::Message(Some(record)),
            _ => Self::from_value(value, ty).unwrap_or(Self::Opaque),
        }
    }

    /// Converts a stored value of a scalar type.
    pub(crate) fn from_value(value: &'e Value, ty: &Type) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Self::Bool(*value),
            // The codec stores unsigned 32-bit integers as signed ones.
            Value::Int(value) if *ty == Type::Uint => Self::Uint(value.unsigned_abs()),
            Value::Int(value) => Self::Int(*value),
            Value::Uint(value) => Self::Uint(*value),
            Value::Double(value) => Self::Double(*value),
            Value::String(value) => Self::String(Cow::Borrowed(value)),
            Value::Bytes(value) => Self::Bytes(Cow::Borrowed(value)),
            // In a rule, an enum is its number.
            Value::Enum(value) if *ty == Type::Int => Self::Int(i64::from(*value)),
            Value::Enum(value) => Self::Enum(*value),
            Value::Timestamp(value) => Self::Timestamp(*value),
            Value::Duration(value) => Self::Duration(*value),
            Value::List(_) | Value::Map(_) | Value::Message(_) => return None,
            Value::FieldMask(_) | Value::Json(_) | Value::Empty => return None,
        })
    }

    /// Returns the value that an absent field reads as.
    pub(crate) fn zero(ty: &'e Type) -> Option<Self> {
        Some(match ty {
            Type::Bool => Self::Bool(false),
            Type::Int => Self::Int(0),
            Type::Uint => Self::Uint(0),
            Type::Double => Self::Double(0.0),
            Type::String => Self::String(Cow::Borrowed("")),
            Type::Bytes => Self::Bytes(Cow::Borrowed(&[])),
            Type::Enum(_) => Self::Enum(0),
            Type::Timestamp => Self::Timestamp(0),
            Type::Duration => Self::Duration(0),
            Type::List(element) => Self::List(List::Stored(&[], element)),
            Type::Map(key, value) => Self::Map { entries: &[], key: *key, value },
            Type::Message(_) => Self::Message(None),
            Type::Opaque => Self::Opaque,
            Type::Null => return None,
        })
    }

    /// Converts a single value to a constant.
    pub(crate) fn into_const(self) -> Result<Const, EvaluationFailure> {
        Ok(match self {
            Self::Null => Const::Null,
            Self::Bool(value) => Const::Bool(value),
            Self::Int(value) => Const::Int(value),
            Self::Uint(value) => Const::Uint(value),
            Self::Double(value) => Const::Double(value),
            Self::String(value) => Const::String(value.into_owned()),
            Self::Bytes(value) => Const::Bytes(value.into_owned()),
            Self::Timestamp(value) => Const::Timestamp(value),
            Self::Duration(value) => Const::Duration(value),
            Self::Enum(value) => Const::Enum(value),
            Self::List(_) | Self::Map { .. } | Self::Message(_) | Self::Opaque => return Err(EvaluationFailure::Null),
        })
    }

    /// Compares for equality: numbers by value, `null` only with `null`.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }

    /// Returns the order, if there is one: texts by code points, bytes and numbers by value.
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

    /// Returns the value of an integer type or enum.
    pub(crate) fn integer(&self) -> Option<i128> {
        match self {
            Self::Int(value) => Some(i128::from(*value)),
            Self::Uint(value) => Some(i128::from(*value)),
            Self::Enum(value) => Some(i128::from(*value)),
            _ => None,
        }
    }
}

/// Compares an integer of at most 65 bits exactly with a double.
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
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and far inside the range")]
    let order = left.cmp(&(whole as i128));
    Some(order.then_with(|| whole.partial_cmp(&right).unwrap_or(Ordering::Equal)))
}
