//! Checks syntax: resolves names, determines types, and evaluates constants.
//!
//! Types are those of CEL, but stricter: arithmetic does not mix number types, and nothing is dynamic. Literals adapt to the type
//! of the other operand, so `price > 3`, `status == "STATUS_ACTIVE"` and `created_at > "2030-01-01T00:00:00Z"` work as
//! expected.

mod adapt;
mod arithmetic;
mod calls;
mod compare;
mod constants;
mod contained;
mod convert;
mod elements;
mod enums;
mod functions;
mod literal;
pub(crate) mod members;
mod messages;
mod names;
mod quantified;
pub(crate) mod reads;
mod rewrite;
pub(crate) mod rule;
mod search;
mod target;
mod values;

use crate::ir::{Const, Expr, Field, Type};
use crate::parse::{self, Node, Span};
use crate::purpose::{FormulaKind, Purpose};
use crate::{ExprError, Scope};
use groundplan_model::shape::{EnumId, FieldId};

/// Parses and checks a condition over the records of a model.
pub(crate) fn filter(scope: Scope<'_>, source: &str) -> Result<Expr, ExprError> {
    let node = parse::parse(source, Purpose::Filter)?;
    Checker::new(scope, source, Purpose::Filter).condition(&node)
}

/// Parses and checks the value of a field of a model.
pub(crate) fn formula(scope: Scope<'_>, kind: FormulaKind, field: FieldId, source: &str) -> Result<Expr, ExprError> {
    let purpose = Purpose::Formula { kind, field };
    let target = target::Target::for_field(scope, field)?;
    let node = parse::parse(source, purpose)?;
    Checker::new(scope, source, purpose).formula(&target, &node)
}

/// Checks one expression.
struct Checker<'a> {
    scope: Scope<'a>,
    source: &'a str,
    purpose: Purpose,
    /// The variables of the enclosing `exists`, `all` and `exists_one`, the outermost first.
    variables: Vec<Variable>,
    /// The enum of the other operand of a comparison, whose names take precedence.
    expected: Option<EnumId>,
    /// The number of text concatenations so far.
    joined: usize,
}

/// The variable of an `exists`, `all` or `exists_one`.
struct Variable {
    name: String,
    field: Field,
}

/// An expression and its type.
#[derive(Clone, Debug)]
struct Typed {
    expr: Expr,
    ty: Type,
}

impl Typed {
    fn new(expr: Expr, ty: Type) -> Self {
        Self { expr, ty }
    }

    fn constant(&self) -> Option<&Const> {
        match &self.expr {
            Expr::Const(constant) => Some(constant),
            _ => None,
        }
    }
}

impl<'a> Checker<'a> {
    fn new(scope: Scope<'a>, source: &'a str, purpose: Purpose) -> Self {
        Self { scope, source, purpose, variables: Vec::new(), expected: None, joined: 0 }
    }

    /// Returns an error at the start of a part of the expression.
    fn error(&self, span: Span, message: impl Into<String>) -> ExprError {
        ExprError::at(self.source, span.start, message)
    }

    /// Quotes a part of the expression for messages.
    fn quote(&self, node: &Node) -> String {
        messages::quote(self.source.get(node.span.start..node.span.end).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
