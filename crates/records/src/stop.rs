//! Why a transaction has ended without what it was for.

use diesel::result::Error as DieselError;
use groundplan_chassis::database::database_error;
use groundplan_error::Error;

/// Why a transaction was rolled back.
pub(crate) enum Stop {
    Database(DieselError),
    Refused(Error),
}

impl From<DieselError> for Stop {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Stop {
    /// The answer for the caller, where no failure of the database has a meaning of its own.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Database(error) => database_error(error),
            Self::Refused(error) => error,
        }
    }
}
