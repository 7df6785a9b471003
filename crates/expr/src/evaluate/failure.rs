//! Errors of evaluations.

use crate::limits::MAX_RESULT_BYTES;
use groundplan_error::Error;

/// Why an expression has no value for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationFailure {
    #[error("a required value is absent")]
    Absent,
    #[error("a number is outside its type's range")]
    Overflow,
    #[error("a division by zero")]
    DivisionByZero,
    #[error("no such key or index")]
    NoSuchElement,
    #[error("the operation is not defined for null")]
    Null,
    #[error("only PostgreSQL can evaluate this")]
    OnlyPostgres,
    /// A conversion failed.
    #[error("{0}")]
    Invalid(&'static str),
    /// The field of a formula has a smaller type than the expression.
    #[error("the result is outside the range of {0}")]
    OutOfField(&'static str),
    /// The result of a formula is too long.
    #[error("the result is longer than {MAX_RESULT_BYTES} bytes")]
    TooLong,
}

/// Why an evaluation stops without a value.
#[derive(Debug)]
pub(crate) enum EvaluationError {
    /// The expression has no value for this record. `&&`, `||` and filters can absorb this.
    Failure(EvaluationFailure),
    /// The request has exceeded its budget, is cancelled or is late. This always fails the request.
    Request(Error),
}

impl EvaluationError {
    /// Separates a failure of the expression from an error of the request.
    pub(crate) fn split<T>(result: Result<T, Self>) -> Result<Result<T, EvaluationFailure>, Error> {
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(Self::Failure(failure)) => Ok(Err(failure)),
            Err(Self::Request(error)) => Err(error),
        }
    }
}

impl From<EvaluationFailure> for EvaluationError {
    fn from(failure: EvaluationFailure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Error> for EvaluationError {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}
