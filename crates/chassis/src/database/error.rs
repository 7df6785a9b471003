//! Errors of statements, converted to errors for the caller.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as Failure};
use groundplan_error::{Error, Reason};
use std::time::Duration;

/// The suggested delay before a retry after a database error.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Converts an unexpected Diesel error to the error for the caller. Callers handle expected conflicts (a unique index, a changed
/// row) before.
pub fn database_error(failure: Failure) -> Error {
    match &failure {
        Failure::DatabaseError(kind, information) => {
            error_for_kind(kind, &**information).caused_by(log_description(&failure))
        }
        Failure::BrokenTransactionManager => connection_lost().caused_by(failure),
        Failure::RollbackErrorOnCommit { rollback_error, .. } => error_for_rollback(rollback_error).caused_by(failure),
        _ => Error::internal(failure),
    }
}

/// Converts an error of PostgreSQL or of the connection.
fn error_for_kind(kind: &DatabaseErrorKind, information: &dyn DatabaseErrorInformation) -> Error {
    match kind {
        DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => connection_lost(),
        DatabaseErrorKind::ReadOnlyTransaction => read_only(),
        DatabaseErrorKind::SerializationFailure => conflict(),
        _ => error_for_message(information.message()),
    }
}

/// How PostgreSQL's last messages on a connection start, and those that reject a connection.
const CLOSING_MESSAGES: &[&str] =
    &["terminating connection", "the database system is", "sorry, too many clients", "remaining connection slots"];

/// Checks whether the error means that the connection is lost.
pub(super) fn is_connection_lost(failure: &Failure) -> bool {
    let Failure::DatabaseError(kind, information) = failure else { return false };
    matches!(kind, DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection)
        || CLOSING_MESSAGES.iter().any(|start| information.message().starts_with(start))
}

/// Diesel keeps no SQLSTATE for the rest, so the text of the message decides. Messages in other languages become INTERNAL; a
/// warning is logged when the process connects.
fn error_for_message(message: &str) -> Error {
    match message {
        _ if message.starts_with("canceling statement due to statement timeout") => {
            Error::new(Reason::DeadlineExceeded, "the statement took longer than the server allows")
        }
        _ if message.starts_with("canceling statement") => {
            Error::new(Reason::DeadlineExceeded, "the call was cancelled")
        }
        _ if message.starts_with("deadlock detected") => conflict(),
        // The event log creates partitions ahead of time: the clock has jumped.
        _ if message.starts_with("no partition of relation") => {
            Error::new(Reason::DatabaseUnavailable, "no event log partition exists for the current time; try again")
                .retry_after(RETRY_AFTER)
        }
        _ if CLOSING_MESSAGES.iter().any(|start| message.starts_with(start)) => connection_lost(),
        _ => Error::internal("the database rejected a statement"),
    }
}

fn error_for_rollback(rollback_error: &Failure) -> Error {
    match rollback_error {
        Failure::DatabaseError(kind, information) => error_for_kind(kind, &**information),
        _ => connection_lost(),
    }
}

pub(super) fn connection_lost() -> Error {
    Error::new(Reason::DatabaseUnavailable, "the database does not respond; try again").retry_after(RETRY_AFTER)
}

fn conflict() -> Error {
    Error::new(Reason::DatabaseUnavailable, "the transaction conflicted with another; try again")
        .retry_after(Duration::from_millis(50))
}

pub(super) fn read_only() -> Error {
    Error::new(
        Reason::DatabaseUnavailable,
        "the database is read-only: a standby, or configured as read-only; DB_URL must name a server that accepts writes",
    )
}

/// Returns PostgreSQL's message with its additions, for the log. The DETAIL is left out: it quotes values or whole rows, and the
/// log must not contain records.
fn log_description(failure: &Failure) -> String {
    let Failure::DatabaseError(kind, information) = failure else { return failure.to_string() };
    let mut text = format!("{kind:?}: {}", redact_value(information.message()));
    for (name, part) in [
        ("hint", information.hint()),
        ("table", information.table_name()),
        ("constraint", information.constraint_name()),
    ] {
        if let Some(part) = part {
            text.push_str(&format!("; {name}: {part}"));
        }
    }
    text
}

/// Returns a message without the value that it quotes at its end, as in `invalid input syntax for type integer: "x"`.
fn redact_value(message: &str) -> &str {
    message.split_once(": \"").map_or(message, |(text, _)| text)
}
