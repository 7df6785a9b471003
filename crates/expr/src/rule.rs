//! Rules: conditions on values that are being written.

use crate::evaluate::{self, Datum};
use crate::ir::{Const, Expr, Type};
use crate::{ExprError, Failure, check};
use check::members;
use groundplan_budget::Budget;
use groundplan_codec::{Record, Value};
use groundplan_error::Error;
use groundplan_model::shape::{Kind, MapKey, ShapeId, Shapes};

/// A rule, checked.
#[derive(Clone, Debug)]
pub struct Rule {
    expr: Expr,
    this: Type,
}

/// What names in a rule mean.
#[derive(Clone, Debug)]
pub struct RuleScope<'a> {
    pub shapes: &'a Shapes,
    pub this: ThisType,
    /// What a predefined rule is given: `rule` and `rules`, which are constants.
    pub given: &'a [(&'static str, Given)],
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThisType {
    Message(ShapeId),
    /// A single value: of a field, or an element of a list or a map.
    Value(Kind),
    List(Kind),
    Map(MapKey, Kind),
    /// A key of a map.
    Key(MapKey),
}

/// What a rule is evaluated on, of the type that it was checked for.
#[derive(Clone, Copy, Debug)]
pub enum This<'a> {
    Message(&'a Record),
    Value(&'a Value),
}

/// A constant that a predefined rule is given.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    Value(Const),
    List(Vec<Const>),
    Message(Vec<GivenField>),
}

/// A field of such a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenField {
    pub name: String,
    pub is_set: bool,
    pub value: Given,
}

/// What a rule says of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    Broken,
    /// It is broken, and this is what is wrong.
    Says(String),
}

impl Rule {
    /// Parses and checks `source`, which is a condition or a text.
    pub fn compile(scope: &RuleScope<'_>, source: &str) -> Result<Self, ExprError> {
        Ok(Self { expr: check::rule::rule(scope, source)?, this: scope.this.ty() })
    }

    /// Parses `source` without a look at what its names mean: for predefined rules that nothing uses.
    pub fn parse(source: &str) -> Result<(), ExprError> {
        crate::parse::parse(source, crate::purpose::Purpose::Rule).map(drop)
    }

    /// What the rule says at a time in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// The budget's refusal: it is used up, cancelled or late.
    pub fn evaluate(&self, this: This<'_>, now: i64, budget: &Budget) -> Result<Result<Verdict, Failure>, Error> {
        let this = match this {
            This::Message(record) => Datum::Message(Some(record)),
            This::Value(value) => Datum::of_element(value, &self.this),
        };
        evaluate::rule(&self.expr, this, now, budget, |found| match found {
            Datum::Bool(true) => Ok(Verdict::Holds),
            Datum::Bool(false) => Ok(Verdict::Broken),
            Datum::String(text) if text.is_empty() => Ok(Verdict::Holds),
            Datum::String(text) => Ok(Verdict::Says(text.into_owned())),
            _ => Err(Failure::Null),
        })
    }
}

impl RuleScope<'_> {
    pub(crate) fn given(&self, name: &str) -> Option<&Given> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, given)| given)
    }
}

impl ThisType {
    pub(crate) fn ty(self) -> Type {
        plain(match self {
            Self::Message(shape) => Type::Message(shape),
            Self::Value(kind) => members::of_kind(kind),
            Self::List(kind) => Type::List(Box::new(members::of_kind(kind))),
            Self::Map(key, kind) => Type::Map(key, Box::new(members::of_kind(kind))),
            Self::Key(key) => members::of_key(key),
        })
    }
}

/// A type as rules have it: enums are ints.
pub(crate) fn plain(ty: Type) -> Type {
    match ty {
        Type::Enum(_) => Type::Int,
        Type::List(element) => Type::List(Box::new(plain(*element))),
        Type::Map(key, value) => Type::Map(key, Box::new(plain(*value))),
        ty => ty,
    }
}
