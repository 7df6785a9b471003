//! Transforms: compute the new value of a field from the stored value and the sent value, the operand.

mod parse;

use groundplan_budget::{Budget, Resource};
use groundplan_codec::mask::Path;
use groundplan_codec::{Record, Value};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_model::shape::{Cardinality, Field, FieldId, Integer, Kind, Shape, Wrapped};
pub(crate) use parse::parse;

/// The kind of a transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Increment,
    Append,
    Remove,
    Maximum,
    Minimum,
    ServerTime,
}

/// A transform of one field.
#[derive(Clone, Debug)]
pub(crate) struct Transform {
    action: Action,
    /// The field path as the caller wrote it.
    text: String,
    path: Path,
    operand: Option<Value>,
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::Increment => "increment",
            Self::Append => "append",
            Self::Remove => "remove",
            Self::Maximum => "maximum",
            Self::Minimum => "minimum",
            Self::ServerTime => "server_time",
        }
    }

    /// Returns the values that the transform accepts, for messages with "takes".
    const fn takes(self) -> &'static str {
        match self {
            Self::Increment => "numbers and durations",
            Self::Append | Self::Remove => "lists",
            Self::Maximum | Self::Minimum => "numbers, times, durations and texts",
            Self::ServerTime => "timestamps",
        }
    }

    fn fits(self, field: &Field) -> bool {
        let is_list = field.cardinality == Cardinality::Repeated;
        let is_map = matches!(field.cardinality, Cardinality::Map(_));
        let kind = plain(field.kind);
        let is_number = matches!(kind, Kind::Integer(_) | Kind::Float | Kind::Double);
        match self {
            Self::Append | Self::Remove => is_list,
            _ if is_list || is_map => false,
            Self::Increment => is_number || kind == Kind::Duration,
            Self::Maximum | Self::Minimum => {
                is_number || matches!(kind, Kind::Timestamp | Kind::Duration | Kind::String)
            }
            Self::ServerTime => kind == Kind::Timestamp,
        }
    }
}

/// Returns the kind of the value in a wrapper.
fn plain(kind: Kind) -> Kind {
    match kind {
        Kind::Wrapper(wrapped) => wrapped.kind(),
        kind => kind,
    }
}

impl Transform {
    /// Applies the transform to a record.
    pub(crate) fn apply(&self, model: &Model, record: &mut Record, now: i64, budget: &Budget) -> Result<(), Error> {
        self.apply_at((model, model.shape()), record, self.path.steps(), now, budget)
    }

    fn apply_at(
        &self,
        (model, shape): (&Model, &Shape),
        record: &mut Record,
        path: &[FieldId],
        now: i64,
        budget: &Budget,
    ) -> Result<(), Error> {
        let Some((&first, rest)) = path.split_first() else { return Ok(()) };
        let field = shape.field(first);
        if let (false, Kind::Message(inner)) = (rest.is_empty(), field.kind) {
            let inner = model.shapes.get(inner);
            if record.get(first).is_none() {
                record.set_in(shape, first, Some(Value::Message(Record::new(inner))));
            }
            return match record.get_mut(first) {
                Some(Value::Message(within)) => self.apply_at((model, inner), within, rest, now, budget),
                _ => Ok(()),
            };
        }
        let before = record.get(first).cloned();
        let after = self.value(field, before, now, budget)?;
        record.set_in(shape, first, after);
        Ok(())
    }

    /// Computes the new value of a field.
    fn value(&self, field: &Field, before: Option<Value>, now: i64, budget: &Budget) -> Result<Option<Value>, Error> {
        let operand = self.operand.clone();
        Ok(match self.action {
            Action::ServerTime => Some(Value::Timestamp(now)),
            Action::Increment => match operand {
                None => before,
                Some(operand) => Some(self.sum(field, before, operand)?),
            },
            Action::Append => Some(Value::List([elements(before), elements(operand)].concat())),
            Action::Remove => {
                let (before, gone) = (elements(before), elements(operand));
                // Each element is compared with each operand.
                budget.charge(Resource::Steps, (before.len() as u64).saturating_mul(gone.len() as u64))?;
                Some(Value::List(before.into_iter().filter(|element| !gone.contains(element)).collect()))
            }
            Action::Maximum => extreme(field, before, operand, true),
            Action::Minimum => extreme(field, before, operand, false),
        })
    }

    fn sum(&self, field: &Field, before: Option<Value>, operand: Value) -> Result<Value, Error> {
        let overflow = || {
            let description = format!("does not fit its type when {} is added to its value", self.text);
            Error::field(self.text.as_str(), "increment.overflow", description)
        };
        Ok(match (before, operand) {
            (None, operand) => operand,
            (Some(Value::Int(one)), Value::Int(other)) => {
                let sum = one.checked_add(other).ok_or_else(overflow)?;
                let fits = integer(field).is_none_or(|integer| integer.range().contains(&i128::from(sum)));
                if fits { Value::Int(sum) } else { return Err(overflow()) }
            }
            (Some(Value::Uint(one)), Value::Uint(other)) => Value::Uint(one.checked_add(other).ok_or_else(overflow)?),
            (Some(Value::Duration(one)), Value::Duration(other)) => {
                let sum = one.checked_add(other).filter(|sum| sum.unsigned_abs() <= LONGEST);
                Value::Duration(sum.ok_or_else(overflow)?)
            }
            (Some(Value::Double(one)), Value::Double(other)) => {
                let sum = double(field, one + other);
                if sum.is_infinite() && one.is_finite() && other.is_finite() {
                    return Err(overflow());
                }
                Value::Double(sum)
            }
            (Some(_), _) => return Err(Error::internal("an operand has another type than its field")),
        })
    }
}

/// The longest duration, in microseconds.
const LONGEST: u64 = groundplan_codec::LONGEST_DURATION.unsigned_abs();

fn integer(field: &Field) -> Option<Integer> {
    match field.kind {
        Kind::Integer(integer) | Kind::Wrapper(Wrapped::Integer(integer)) => Some(integer),
        _ => None,
    }
}

/// Rounds a sum to the precision of its field.
#[expect(clippy::cast_possible_truncation, reason = "it rounds to the nearest float on purpose")]
fn double(field: &Field, sum: f64) -> f64 {
    if plain(field.kind) == Kind::Float { f64::from(sum as f32) } else { sum }
}

fn elements(list: Option<Value>) -> Vec<Value> {
    match list {
        Some(Value::List(elements)) => elements,
        _ => Vec::new(),
    }
}

/// Returns the larger or the smaller value. An absent value is zero in a field without presence; in other fields, the
/// present value wins.
fn extreme(field: &Field, before: Option<Value>, operand: Option<Value>, larger: bool) -> Option<Value> {
    let zero = || (field.cardinality == Cardinality::Implicit).then(|| zero(field.kind)).flatten();
    match (before.or_else(zero), operand.or_else(zero)) {
        (Some(before), Some(operand)) => Some(if is_greater(&operand, &before) == larger { operand } else { before }),
        (one, other) => one.or(other),
    }
}

fn zero(kind: Kind) -> Option<Value> {
    Some(match kind {
        Kind::Integer(integer) if integer.exceeds_bigint() => Value::Uint(0),
        Kind::Integer(_) => Value::Int(0),
        Kind::Float | Kind::Double => Value::Double(0.0),
        Kind::String => Value::String(String::new()),
        _ => return None,
    })
}

/// Compares numbers by their size, with NaN above all, and texts by their bytes.
fn is_greater(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Int(one), Value::Int(other))
        | (Value::Timestamp(one), Value::Timestamp(other))
        | (Value::Duration(one), Value::Duration(other)) => one > other,
        (Value::Uint(one), Value::Uint(other)) => one > other,
        (Value::Double(one), Value::Double(other)) => one > other || (one.is_nan() && !other.is_nan()),
        (Value::String(one), Value::String(other)) => one > other,
        _ => false,
    }
}
