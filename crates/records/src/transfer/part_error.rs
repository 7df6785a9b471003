//! What a failed statement of an import means.

use crate::state::Records;
use groundplan_error::{Error, Reason};
use std::time::Duration;
use tokio_postgres::Error as Failure;
use tokio_postgres::error::SqlState;

/// How a part has ended that was not loaded.
pub(crate) enum PartError {
    /// It met others in the database: another attempt may do it.
    Conflict(Error),
    /// A row breaks what the database holds it to, and that is nothing that is served: a column too many for a page, a
    /// constraint or a trigger of somebody's own.
    Rejected(String, Error),
    Failed(Error),
}

impl From<Error> for PartError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Failure> for PartError {
    fn from(failure: Failure) -> Self {
        let Some(facts) = failure.as_db_error() else { return Self::Failed(lost().caused_by(failure)) };
        let code = facts.code();
        if [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::UNIQUE_VIOLATION,
            SqlState::FOREIGN_KEY_VIOLATION,
        ]
        .contains(code)
        {
            return Self::Conflict(met().caused_by(described(&failure)));
        }
        let message = facts.message().to_owned();
        let no_partition = message.starts_with("no partition of relation");
        match code.code().get(..2) {
            Some("08" | "57") if *code != SqlState::QUERY_CANCELED => {
                Self::Failed(lost().caused_by(described(&failure)))
            }
            Some("57") => {
                let words = "a statement of the import took longer than the server allows";
                Self::Failed(Error::new(Reason::DeadlineExceeded, words).caused_by(described(&failure)))
            }
            Some("25") => Self::Failed(lost().caused_by(described(&failure))),
            Some("23") if no_partition => {
                let message = "no event log partition exists for the current time; try again";
                let refused = Error::new(Reason::DatabaseUnavailable, message).retry_after(Duration::from_secs(1));
                Self::Failed(refused.caused_by(described(&failure)))
            }
            Some("22" | "23" | "54" | "P0") => Self::Rejected(message, Error::internal(described(&failure))),
            _ => Self::Failed(Error::internal(described(&failure))),
        }
    }
}

impl PartError {
    /// The answer for the caller, where there is no other attempt.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Conflict(error) | Self::Rejected(_, error) | Self::Failed(error) => error,
        }
    }

    /// Tells the log if it had no partition.
    pub(crate) fn note(&self, records: &Records) {
        if let Self::Failed(error) = self
            && error.log_text().contains("no partition of relation \"events\"")
        {
            records.log().partition_missing();
        }
    }
}

/// The refusal of what met others at each attempt.
fn met() -> Error {
    Error::new(Reason::RecordBusy, "others changed the same records at each attempt to load a part; try again")
}

fn lost() -> Error {
    Error::new(Reason::DatabaseUnavailable, "the database does not respond; try again")
        .retry_after(Duration::from_secs(1))
}

/// A failure for the log: without the values that PostgreSQL quotes in its details.
fn described(failure: &Failure) -> String {
    match failure.as_db_error() {
        Some(facts) => {
            let message = facts.message();
            let message = message.split_once(": \"").map_or(message, |(what, _)| what);
            format!("{message} ({}); constraint: {}", facts.code().code(), facts.constraint().unwrap_or_default())
        }
        None => failure.to_string(),
    }
}

/// Returns the error of a part whose records other calls wrote during the import.
pub(crate) fn overtaken() -> PartError {
    let message = "concurrent writes created records with ids of the import; try again";
    PartError::Conflict(Error::new(Reason::RecordBusy, message))
}
