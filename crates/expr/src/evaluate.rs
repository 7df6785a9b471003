//! Evaluates expressions on a record.

mod calculate;
mod convert;
mod datum;
mod failure;
mod list;
mod quantified;
mod read;
mod rule;
mod steps;

pub(crate) use datum::{Datum, compare_numbers};
pub(crate) use failure::EvaluationError;
pub use failure::EvaluationFailure;

use crate::Scope;
use crate::ir::{Comparison, Const, Expr, Type};
use groundplan_budget::{Budget, Steps};
use groundplan_codec::Record;
use groundplan_error::Error;
use groundplan_model::shape::FieldId;
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::cmp::Ordering;

pub(crate) fn filter(
    scope: Scope<'_>,
    expr: &Expr,
    record: &Record,
    now: i64,
    related: &dyn Fn(FieldId) -> Option<Record>,
    budget: &Budget,
) -> Result<Result<bool, EvaluationFailure>, Error> {
    let references = scope.model.references.iter();
    let fetched = references.map(|reference| (reference.field, OnceCell::new())).collect();
    let evaluator = Evaluator { record: Some(record), now, related, fetched, steps: RefCell::new(budget.steps()) };
    EvaluationError::split(evaluator.truth(expr, &[]))
}

/// Evaluates an expression that reads only the record and the time.
pub(crate) fn formula<T>(
    expr: &Expr,
    record: &Record,
    now: i64,
    budget: &Budget,
    finish: impl FnOnce(Datum<'_>) -> Result<T, EvaluationFailure>,
) -> Result<Result<T, EvaluationFailure>, Error> {
    let evaluator = Evaluator::without_relations(Some(record), now, budget);
    let value = EvaluationError::split(evaluator.value(expr, &[]))?;
    Ok(value.and_then(finish))
}

/// Evaluates an expression that reads neither fields nor the time.
pub(crate) fn constant(scope: Scope<'_>, expr: &Expr) -> Result<Result<Const, EvaluationFailure>, Error> {
    formula(expr, &Record::new(scope.model.shape()), 0, &Budget::default(), |datum| datum.into_const())
}

/// Evaluates a rule on `this`.
pub(crate) fn rule<T>(
    expr: &Expr,
    this: Datum<'_>,
    now: i64,
    budget: &Budget,
    finish: impl FnOnce(Datum<'_>) -> Result<T, EvaluationFailure>,
) -> Result<Result<T, EvaluationFailure>, Error> {
    let evaluator = Evaluator::without_relations(None, now, budget);
    let value = EvaluationError::split(evaluator.value(expr, &[this]))?;
    Ok(value.and_then(finish))
}

/// The context of an evaluation.
struct Evaluator<'a> {
    /// `None` for a rule, which only reads `this`.
    record: Option<&'a Record>,
    now: i64,
    related: &'a dyn Fn(FieldId) -> Option<Record>,
    /// The related records, each read once.
    fetched: Vec<(FieldId, OnceCell<Option<Record>>)>,
    steps: RefCell<Steps>,
}

/// The current elements of the enclosing `exists`, `all` and similar macros, the outermost first.
type Variables<'v, 'e> = &'v [Datum<'e>];

impl<'a> Evaluator<'a> {
    /// Returns an evaluator for an expression that reads no other record.
    fn without_relations(record: Option<&'a Record>, now: i64, budget: &Budget) -> Self {
        Self { record, now, related: &|_| None, fetched: Vec::new(), steps: RefCell::new(budget.steps()) }
    }

    /// Evaluates a condition. Any value except a bool is an error, such as `null`.
    fn truth<'e>(&'e self, expr: &'e Expr, variables: Variables<'_, 'e>) -> Result<bool, EvaluationError> {
        match self.value(expr, variables)? {
            Datum::Bool(value) => Ok(value),
            _ => Err(EvaluationFailure::Null.into()),
        }
    }

    fn value<'e>(&'e self, expr: &'e Expr, variables: Variables<'_, 'e>) -> Result<Datum<'e>, EvaluationError> {
        self.charge(1)?;
        Ok(match expr {
            Expr::Const(constant) => Datum::from_const(constant),
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
                Datum::Bool(self.compare(*comparison, &left, &right)?)
            }
            Expr::OneOf { value, constants } => {
                let value = self.value(value, variables)?;
                self.charge(constants.len() as u64)?;
                Datum::Bool(constants.iter().any(|constant| value.equals(&Datum::from_const(constant))))
            }
            Expr::ElementOf { value, list } => {
                let value = self.value(value, variables)?;
                Datum::Bool(self.contains(list, &value, variables)?)
            }
            Expr::MapValue { ty, .. } | Expr::ListItem { ty, .. } => {
                Datum::from_value(self.element(expr, variables)?, ty).ok_or(EvaluationFailure::Null)?
            }
            Expr::Size(operand) => Datum::Int(self.size(operand, variables)?),
            Expr::TextTest { test, text, part } => {
                let (text, part) = (self.value(text, variables)?, self.value(part, variables)?);
                self.charge(calculate::text_test_cost(&text, &part))?;
                Datum::Bool(calculate::text_test(*test, &text, &part)?)
            }
            Expr::Matches { text, pattern } => {
                let text = self.value(text, variables)?;
                // A complex pattern takes about as long per byte as an operator.
                self.charge(text.bytes() as u64)?;
                Datum::Bool(pattern.regex.is_match(text.text()?))
            }
            Expr::Rewrite { rewrite, text } => {
                let text = self.value(text, variables)?;
                self.charge_output(text.bytes())?;
                Datum::owned_text(calculate::rewrite(*rewrite, text.text()?))
            }
            Expr::Arithmetic { operation, left, right, .. } => {
                let (left, right) = (self.value(left, variables)?, self.value(right, variables)?);
                self.charge_output(left.bytes() + right.bytes())?;
                calculate::arithmetic(*operation, &left, &right)?
            }
            Expr::Negate(operand) => calculate::negate(&self.value(operand, variables)?)?,
            Expr::Convert { value, ty } => convert::convert(&self.value(value, variables)?, ty)?,
            Expr::TimePart { part, time } => calculate::time_part(*part, &self.value(time, variables)?)?,
            Expr::Quantified { quantifier, list, condition, .. } => {
                Datum::Bool(self.quantified(*quantifier, list, condition, variables)?)
            }
            Expr::Rule(rule) => self.rule(rule, variables)?,
            Expr::Search { .. } => return Err(EvaluationFailure::OnlyPostgres.into()),
        })
    }

    /// Evaluates a chain of `||` (decided by true) or `&&` (decided by false). A failure counts only if no operand decides.
    fn chain<'e>(
        &'e self,
        operands: &'e [Expr],
        decisive: bool,
        variables: Variables<'_, 'e>,
    ) -> Result<bool, EvaluationError> {
        chain(operands.iter().map(|operand| self.truth(operand, variables)), decisive)
    }

    fn size<'e>(&'e self, operand: &'e Expr, variables: Variables<'_, 'e>) -> Result<i64, EvaluationError> {
        let size = match operand {
            Expr::Field(field) if matches!(field.ty, Type::List(_) | Type::Map(..)) => self.length(field, variables)?,
            _ => match self.value(operand, variables)? {
                Datum::String(text) => {
                    self.charge_bytes(text.len())?;
                    text.chars().count()
                }
                Datum::Bytes(bytes) => bytes.len(),
                value @ (Datum::List(_) | Datum::Map { .. }) => value.len(),
                _ => return Err(EvaluationFailure::Null.into()),
            },
        };
        Ok(i64::try_from(size).map_err(|_| EvaluationFailure::Overflow)?)
    }

    fn compare(&self, comparison: Comparison, left: &Datum<'_>, right: &Datum<'_>) -> Result<bool, EvaluationError> {
        let holds = match comparison {
            Comparison::Equal => return self.are_equal(left, right),
            Comparison::NotEqual => return self.are_equal(left, right).map(|equal| !equal),
            Comparison::Less => Ordering::is_lt,
            Comparison::LessOrEqual => Ordering::is_le,
            Comparison::Greater => Ordering::is_gt,
            Comparison::GreaterOrEqual => Ordering::is_ge,
        };
        if matches!(left, Datum::Null) || matches!(right, Datum::Null) {
            return Err(EvaluationFailure::Null.into());
        }
        self.charge_bytes(left.bytes().min(right.bytes()))?;
        // NaN has no order.
        Ok(left.compare(right).is_some_and(holds))
    }
}

fn chain(truths: impl Iterator<Item = Result<bool, EvaluationError>>, decisive: bool) -> Result<bool, EvaluationError> {
    let mut failure = None;
    for truth in truths {
        match truth {
            Ok(value) if value == decisive => return Ok(decisive),
            Ok(_) => {}
            Err(EvaluationError::Failure(other)) => failure = failure.or(Some(other)),
            Err(error) => return Err(error),
        }
    }
    failure.map_or(Ok(!decisive), |failure| Err(failure.into()))
}

impl<'e> Datum<'e> {
    /// Returns the text; `null` has none.
    fn text(&self) -> Result<&str, EvaluationFailure> {
        match self {
            Datum::String(text) => Ok(text),
            _ => Err(EvaluationFailure::Null),
        }
    }

    fn owned_text(text: String) -> Self {
        Datum::String(Cow::Owned(text))
    }
}

#[cfg(test)]
mod tests;
