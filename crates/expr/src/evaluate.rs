//! Evaluation on a record.

mod calculate;
mod convert;
mod datum;
mod read;

pub(crate) use datum::{Datum, compare_numbers};

use crate::Scope;
use crate::ir::{Comparison, Expr, Quantifier, Type};
use crate::limits::MAX_MADE;
use groundplan_codec::{Record, Value};
use groundplan_model::shape::FieldId;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Ordering;

/// Why an expression has no value for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("a value that is read is absent")]
    Absent,
    #[error("a number is outside of its type's range")]
    Overflow,
    #[error("a division by zero")]
    DivisionByZero,
    #[error("no such key or index")]
    NoSuchElement,
    #[error("the operation has no meaning for null")]
    Null,
    #[error("only PostgreSQL can tell")]
    OnlyPostgres,
    /// Of a formula whose field has a smaller type than the expression.
    #[error("the result is outside of the range of {0}")]
    OutOfField(&'static str),
    /// Of a formula.
    #[error("the result is longer than {MAX_MADE} bytes")]
    TooLong,
}

pub(crate) fn filter(
    scope: Scope<'_>,
    expr: &Expr,
    record: &Record,
    now: i64,
    related: &dyn Fn(FieldId) -> Option<Record>,
) -> Result<bool, Failure> {
    let references = scope.model.references.iter();
    let evaluator = Evaluator {
        record,
        now,
        related,
        fetched: references.map(|reference| (reference.field, OnceCell::new())).collect(),
    };
    evaluator.truth(expr, &[])
}

/// The value of an expression that reads nothing but the record and the time.
pub(crate) fn alone(expr: &Expr, record: &Record, now: i64) -> Result<Datum<'static>, Failure> {
    let evaluator = Evaluator { record, now, related: &|_| None, fetched: Vec::new() };
    evaluator.value(expr, &[]).map(Datum::into_owned)
}

/// The value of an expression that reads neither fields nor the time.
pub(crate) fn constant(scope: Scope<'_>, expr: &Expr) -> Result<Datum<'static>, Failure> {
    let record = Record::new(scope.model.shape());
    let evaluator = Evaluator { record: &record, now: 0, related: &|_| None, fetched: Vec::new() };
    evaluator.value(expr, &[]).map(Datum::into_owned)
}

/// An expression's world.
struct Evaluator<'a> {
    record: &'a Record,
    now: i64,
    related: &'a dyn Fn(FieldId) -> Option<Record>,
    /// The related records, each read once.
    fetched: Vec<(FieldId, OnceCell<Option<Record>>)>,
}

/// The variable of a `exists`, `all` or `exists_one`.
#[derive(Clone, Copy)]
struct Variable<'e> {
    value: &'e Value,
    ty: &'e Type,
}

type Variables<'v, 'e> = &'v [Variable<'e>];

impl Evaluator<'_> {
    /// A condition: anything but a bool is an error, as `null` is.
    fn truth<'e>(&'e self, expr: &'e Expr, variables: Variables<'_, 'e>) -> Result<bool, Failure> {
        match self.value(expr, variables)? {
            Datum::Bool(value) => Ok(value),
            _ => Err(Failure::Null),
        }
    }

    fn value<'e>(&'e self, expr: &'e Expr, variables: Variables<'_, 'e>) -> Result<Datum<'e>, Failure> {
        Ok(match expr {
            Expr::Const(constant) => Datum::of_const(constant),
            Expr::Now => Datum::Timestamp(self.now),
            Expr::Field(field) => self.field(field, variables)?,
            Expr::Has(field) => Datum::Bool(self.has(field, variables)?),
            Expr::Not(operand) => Datum::Bool(!self.truth(operand, variables)?),
            Expr::And(operands) => Datum::Bool(self.chain(operands, false, variables)?),
            Expr::Or(operands) => Datum::Bool(self.chain(operands, true, variables)?),
            Expr::Conditional { condition, then, otherwise } => {
                let chosen = if self.truth(condition, variables)? { then } else { otherwise };
                self.value(chosen, variables)?
            }
            Expr::Compare { comparison, left, right } => {
                let (left, right) = (self.value(left, variables)?, self.value(right, variables)?);
                Datum::Bool(compare(*comparison, &left, &right)?)
            }
            Expr::OneOf { value, constants } => {
                let value = self.value(value, variables)?;
                Datum::Bool(constants.iter().any(|constant| value.equals(&Datum::of_const(constant))))
            }
            Expr::ElementOf { value, list } => {
                let value = self.value(value, variables)?;
                Datum::Bool(self.elements(list, variables)?.any(|element| element.equals(&value)))
            }
            Expr::MapValue { ty, .. } | Expr::ListItem { ty, .. } => {
                Datum::of_value(self.element(expr, variables)?, ty).ok_or(Failure::Null)?
            }
            Expr::Size(operand) => Datum::Int(self.size(operand, variables)?),
            Expr::TextTest { test, text, part } => {
                let (text, part) = (self.value(text, variables)?, self.value(part, variables)?);
                Datum::Bool(calculate::text_test(*test, text.text()?, part.text()?))
            }
            Expr::Matches { text, pattern } => {
                let text = self.value(text, variables)?;
                Datum::Bool(pattern.regex.is_match(text.text()?))
            }
            Expr::Rewrite { rewrite, text } => {
                let text = self.value(text, variables)?;
                Datum::owned_text(calculate::rewritten(*rewrite, text.text()?))
            }
            Expr::Arithmetic { operation, left, right, .. } => {
                let (left, right) = (self.value(left, variables)?, self.value(right, variables)?);
                calculate::arithmetic(*operation, &left, &right)?
            }
            Expr::Negate(operand) => calculate::negate(&self.value(operand, variables)?)?,
            Expr::Convert { value, ty } => convert::convert(&self.value(value, variables)?, ty)?,
            Expr::TimePart { part, time } => calculate::time_part(*part, &self.value(time, variables)?)?,
            Expr::Quantified { quantifier, list, condition, .. } => {
                Datum::Bool(self.quantified(*quantifier, list, condition, variables)?)
            }
            Expr::Search { .. } => return Err(Failure::OnlyPostgres),
        })
    }

    /// A chain of `||` (which `decisive` true ends) or `&&` (false): an error counts only if nothing decides.
    fn chain<'e>(
        &'e self,
        operands: &'e [Expr],
        decisive: bool,
        variables: Variables<'_, 'e>,
    ) -> Result<bool, Failure> {
        chain(operands.iter().map(|operand| self.truth(operand, variables)), decisive)
    }

    fn quantified<'e>(
        &'e self,
        quantifier: Quantifier,
        list: &'e crate::ir::Field,
        condition: &'e Expr,
        variables: Variables<'_, 'e>,
    ) -> Result<bool, Failure> {
        let elements = self.raw_elements(list, variables)?;
        let truths = elements.map(|element| {
            let mut inner = variables.to_vec();
            inner.push(element);
            self.truth(condition, &inner)
        });
        match quantifier {
            Quantifier::Exists => chain(truths, true),
            Quantifier::All => chain(truths, false),
            Quantifier::ExistsOne => {
                let truths: Result<Vec<bool>, Failure> = truths.collect();
                Ok(truths?.into_iter().filter(|truth| *truth).count() == 1)
            }
        }
    }

    fn size<'e>(&'e self, operand: &'e Expr, variables: Variables<'_, 'e>) -> Result<i64, Failure> {
        let size = match operand {
            Expr::Field(field) if matches!(field.ty, Type::List(_) | Type::Map(..)) => self.length(field, variables)?,
            _ => match self.value(operand, variables)? {
                Datum::String(text) => text.chars().count(),
                Datum::Bytes(bytes) => bytes.len(),
                _ => return Err(Failure::Null),
            },
        };
        i64::try_from(size).map_err(|_| Failure::Overflow)
    }
}

fn chain(truths: impl Iterator<Item = Result<bool, Failure>>, decisive: bool) -> Result<bool, Failure> {
    let mut failure = None;
    for truth in truths {
        match truth {
            Ok(value) if value == decisive => return Ok(decisive),
            Ok(_) => {}
            Err(found) => failure = failure.or(Some(found)),
        }
    }
    failure.map_or(Ok(!decisive), Err)
}

fn compare(comparison: Comparison, left: &Datum<'_>, right: &Datum<'_>) -> Result<bool, Failure> {
    let holds = match comparison {
        Comparison::Equal => return Ok(left.equals(right)),
        Comparison::NotEqual => return Ok(!left.equals(right)),
        Comparison::Less => Ordering::is_lt,
        Comparison::LessOrEqual => Ordering::is_le,
        Comparison::Greater => Ordering::is_gt,
        Comparison::GreaterOrEqual => Ordering::is_ge,
    };
    if matches!(left, Datum::Null) || matches!(right, Datum::Null) {
        return Err(Failure::Null);
    }
    // Nothing orders NaN.
    Ok(left.compare(right).is_some_and(holds))
}

impl<'e> Datum<'e> {
    /// A text: `null` has none.
    fn text(&self) -> Result<&str, Failure> {
        match self {
            Datum::String(text) => Ok(text),
            _ => Err(Failure::Null),
        }
    }

    fn owned_text(text: String) -> Self {
        Datum::String(Cow::Owned(text))
    }
}
