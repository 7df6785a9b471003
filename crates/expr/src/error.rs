//! Errors of expressions.

use std::fmt;

/// Why an expression is invalid, where, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ExprError {
    /// What is wrong and how to fix it, without a full stop.
    pub message: String,
    /// The line and the column in characters, both from 1; `None` for the whole expression.
    pub position: Option<(usize, usize)>,
}

impl ExprError {
    /// Returns an error about the whole expression.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None }
    }

    /// Returns an error at a byte offset of the expression.
    pub fn at(source: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = source.get(..offset).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { message: message.into(), position: Some((line, column)) }
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(formatter, "{} (at {line}:{column})", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}
