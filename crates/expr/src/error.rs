//! Why an expression is refused.

use std::fmt;

/// Why an expression is refused, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ExprError {
    /// What is wrong and what to do, without a full stop.
    pub message: String,
    /// Where in the expression: line and column, both from 1, the column in characters. `None`: all of it.
    pub position: Option<(usize, usize)>,
}

impl ExprError {
    /// An error of the whole expression.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None }
    }

    /// An error at a byte of the expression.
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
