//! Rules: conditions on written values.

use crate::evaluate::{self, Datum};
use crate::ir::{Expr, Type};
use crate::rule_scope::RuleScope;
use crate::{EvaluationFailure, ExprError, check};
use groundplan_budget::Budget;
use groundplan_codec::{Record, Value};
use groundplan_error::Error;

/// A checked rule.
#[derive(Clone, Debug)]
pub struct Rule {
    expr: Expr,
    this: Type,
}

/// The value that a rule is evaluated on, of the type that it was checked for.
#[derive(Clone, Copy, Debug)]
pub enum This<'a> {
    Message(&'a Record),
    Value(&'a Value),
}

/// The result of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    Broken,
    /// The rule is violated, with this message.
    Message(String),
}

impl Rule {
    /// Parses and checks `source`, which is a condition or returns a text.
    pub fn compile(scope: &RuleScope<'_>, source: &str) -> Result<Self, ExprError> {
        Ok(Self { expr: check::rule::rule(scope, source)?, this: scope.this.ty() })
    }

    /// Parses `source` without resolving names, for unused predefined rules.
    pub fn parse(source: &str) -> Result<(), ExprError> {
        crate::parse::parse(source, crate::purpose::Purpose::Rule).map(drop)
    }

    /// Evaluates the rule at a time in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// The budget's error if it is exceeded, cancelled or late.
    pub fn evaluate(
        &self,
        this: This<'_>,
        now: i64,
        budget: &Budget,
    ) -> Result<Result<Verdict, EvaluationFailure>, Error> {
        let this = match this {
            This::Message(record) => Datum::Message(Some(record)),
            This::Value(value) => Datum::from_element(value, &self.this),
        };
        evaluate::rule(&self.expr, this, now, budget, |value| match value {
            Datum::Bool(true) => Ok(Verdict::Holds),
            Datum::Bool(false) => Ok(Verdict::Broken),
            Datum::String(text) if text.is_empty() => Ok(Verdict::Holds),
            Datum::String(text) => Ok(Verdict::Message(text.into_owned())),
            _ => Err(EvaluationFailure::Null),
        })
    }
}
