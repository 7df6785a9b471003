//! Why a transaction failed.

use diesel::result::Error as DieselError;
use groundplan_chassis::database::database_error;
use groundplan_error::Error;

/// The reason to roll a transaction back.
pub(crate) enum TxError {
    /// PostgreSQL reported an error.
    Database(DieselError),
    /// The service rejects the request.
    Rejected(Error),
}

impl From<DieselError> for TxError {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for TxError {
    fn from(error: Error) -> Self {
        Self::Rejected(error)
    }
}

impl TxError {
    /// Returns the error for the caller, without interpreting errors of the database for the operation.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Database(error) => database_error(error),
            Self::Rejected(error) => error,
        }
    }
}
