//! Parses text to syntax with the grammar of the `cel` crate's parser.
//!
//! Each name and literal is replaced by a placeholder, `t` and the token's number, and each token is on its own line. The parser
//! thus expands no macros and reads no strings, a node knows its tokens, and the line of an error identifies a token. `sequence`
//! checks the order of tokens before, for better errors.

mod build;
mod depth;
mod lex;
mod literal;
mod sequence;
mod syntax;

pub(crate) use syntax::{Literal, Node, NodeKind, Operator, Span, Unary};

use crate::ExprError;
use crate::limits::{self, LimitKind, LimitViolation};
use crate::purpose::Purpose;
use cel::parser::Parser;

/// Parses an expression that is within the limits.
pub(crate) fn parse(source: &str, purpose: Purpose) -> Result<Node, ExprError> {
    if let Some(violation) = limits::limit_violation(source) {
        return Err(limit_error(source, &violation, purpose));
    }
    let tokens = lex::tokens(source)?;
    if tokens.is_empty() {
        let example =
            if purpose.is_formula() { "a value, such as `\"x\"`" } else { "a condition, such as `name == \"x\"`" };
        return Err(ExprError::new(format!("the expression is empty: write {example}")));
    }
    let pairs = sequence::check(source, &tokens, purpose)?;
    let builder = build::Builder { source, tokens: &tokens, pairs: &pairs };
    let parsed = Parser::new().parse(&builder.placeholders()).map_err(|errors| {
        let line = errors.errors.first().and_then(|error| usize::try_from(error.pos.0).ok()).unwrap_or_default();
        let offset = tokens.get(line.saturating_sub(1)).map_or(source.len(), |token| token.start);
        ExprError::at(source, offset, "this is not allowed here")
    })?;
    builder.node(parsed)
}

/// Returns an error about an exceeded limit, with help.
fn limit_error(source: &str, violation: &LimitViolation, purpose: Purpose) -> ExprError {
    let kind = match violation {
        LimitViolation::Exceeded { kind, .. } => *kind,
        LimitViolation::Unreadable { offset, .. } => return lex::token_error(source, *offset),
    };
    let help = match kind {
        LimitKind::Length | LimitKind::Constants => "shorten it",
        LimitKind::Nesting => "leave out the brackets that change nothing",
        LimitKind::Operators => "replace many comparisons of one field by `in [...]`",
        LimitKind::Conditions => "replace `a ? b : c` by `&&` and `||`",
        LimitKind::Depth => "break the chain by `&&`",
    };
    let other = match purpose {
        Purpose::Filter => ", or use several requests",
        Purpose::Formula { .. } => "",
        Purpose::Rule => ", or split it into several rules",
    };
    ExprError::new(format!("the expression {violation}: {help}{other}"))
}

/// Returns an error about an exceeded limit at a byte offset.
fn limit_error_at(source: &str, offset: usize, kind: LimitKind, actual: usize, purpose: Purpose) -> ExprError {
    let mut error = limit_error(source, &LimitViolation::Exceeded { kind, actual }, purpose);
    error.position = ExprError::at(source, offset, "").position;
    error
}
