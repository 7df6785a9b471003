//! Errors of the statements of an import.

use crate::state::Records;
use groundplan_error::{Error, Reason};
use std::time::Duration;
use tokio_postgres::Error as Failure;
use tokio_postgres::error::SqlState;

/// Why a part was not loaded.
pub(crate) enum PartError {
    /// Conflict with other transactions. Another attempt can succeed.
    Conflict(Error),
    /// PostgreSQL rejects a row for a reason outside of the model, such as the size of a row or a constraint or trigger that a
    /// SQL user created: its message, and the error for the log.
    Rejected(String, Error),
    /// Another attempt cannot succeed.
    Failed(Error),
}

impl From<Error> for PartError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Failure> for PartError {
    fn from(failure: Failure) -> Self {
        let Some(info) = failure.as_db_error() else { return Self::Failed(lost().caused_by(failure)) };
        let code = info.code();
        if [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::UNIQUE_VIOLATION,
            SqlState::FOREIGN_KEY_VIOLATION,
        ]
        .contains(code)
        {
            return Self::Conflict(conflict().caused_by(described(&failure)));
        }
        let message = info.message().to_owned();
        let no_partition = message.starts_with("no partition of relation");
        match code.code().get(..2) {
            Some("08" | "57") if *code != SqlState::QUERY_CANCELED => {
                Self::Failed(lost().caused_by(described(&failure)))
            }
            Some("57") => {
                let message = "a statement of the import took longer than the server allows";
                Self::Failed(Error::new(Reason::DeadlineExceeded, message).caused_by(described(&failure)))
            }
            Some("25") => Self::Failed(lost().caused_by(described(&failure))),
            Some("23") if no_partition => {
                let message = "no event log partition exists for the current time; try again";
                let error = Error::new(Reason::DatabaseUnavailable, message).retry_after(Duration::from_secs(1));
                Self::Failed(error.caused_by(described(&failure)))
            }
            Some("22" | "23" | "54" | "P0") => Self::Rejected(message, Error::internal(described(&failure))),
            _ => Self::Failed(Error::internal(described(&failure))),
        }
    }
}

impl PartError {
    /// Returns the error for the caller after the last attempt.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Conflict(error) | Self::Rejected(_, error) | Self::Failed(error) => error,
        }
    }

    /// Notifies the event log if it has no partition for the current time.
    pub(crate) fn note(&self, records: &Records) {
        if let Self::Failed(error) = self
            && error.log_text().contains("no partition of relation \"events\"")
        {
            records.log().partition_missing();
        }
    }
}

/// Returns the error of a part that conflicted at each attempt.
fn conflict() -> Error {
    Error::new(Reason::RecordBusy, "others changed the same records at each attempt to load a part; try again")
}

fn lost() -> Error {
    Error::new(Reason::DatabaseUnavailable, "the database does not respond; try again")
        .retry_after(Duration::from_secs(1))
}

/// Returns an error's text for the log, without the values that PostgreSQL quotes in its details.
fn described(failure: &Failure) -> String {
    match failure.as_db_error() {
        Some(info) => {
            let message = info.message();
            let message = message.split_once(": \"").map_or(message, |(summary, _)| summary);
            format!("{message} ({}); constraint: {}", info.code().code(), info.constraint().unwrap_or_default())
        }
        None => failure.to_string(),
    }
}

/// Returns the error of a part whose records other calls wrote during the import.
pub(crate) fn overtaken() -> PartError {
    let message = "concurrent writes created records with ids of the import; try again";
    PartError::Conflict(Error::new(Reason::RecordBusy, message))
}
