//! Evaluation on a record.

use crate::Scope;
use crate::ir::Expr;
use groundplan_codec::Record;
use groundplan_model::shape::FieldId;

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
}

pub(crate) fn filter(
    _: Scope<'_>,
    _: &Expr,
    _: &Record,
    _: i64,
    _: &dyn Fn(FieldId) -> Option<Record>,
) -> Result<bool, Failure> {
    Err(Failure::Absent)
}
