//! What a failed statement means for the caller.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as Failure};
use groundplan_error::{Error, Reason};
use std::time::Duration;

/// When trying again makes sense after the database was away.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Turns a failure that no caller of the statement expected into the answer for the client. Conflicts that have a
/// meaning (a unique index, a changed row) are for the caller to find out before.
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

/// The meaning of an error that PostgreSQL, or the connection to it, reports.
fn error_for_kind(kind: &DatabaseErrorKind, information: &dyn DatabaseErrorInformation) -> Error {
    match kind {
        DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => connection_lost(),
        DatabaseErrorKind::ReadOnlyTransaction => read_only(),
        DatabaseErrorKind::SerializationFailure => conflict(),
        _ => error_for_message(information.message()),
    }
}

/// How PostgreSQL's messages start when they are its last on a connection, or when it takes none.
const CLOSING_MESSAGES: &[&str] =
    &["terminating connection", "the database system is", "sorry, too many clients", "remaining connection slots"];

/// Whether a failure means that the connection is at its end.
pub(super) fn is_connection_lost(failure: &Failure) -> bool {
    let Failure::DatabaseError(kind, information) = failure else { return false };
    matches!(kind, DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection)
        || CLOSING_MESSAGES.iter().any(|start| information.message().starts_with(start))
}

/// Diesel keeps no SQLSTATE for the rest, so PostgreSQL's words decide. On a server that speaks another language, and will not
/// speak English (connecting to it logs a warning), these become INTERNAL.
fn error_for_message(message: &str) -> Error {
    match message {
        _ if message.starts_with("canceling statement due to statement timeout") => {
            Error::new(Reason::DeadlineExceeded, "the statement took longer than the server allows")
        }
        _ if message.starts_with("canceling statement") => {
            Error::new(Reason::DeadlineExceeded, "the call was cancelled")
        }
        _ if message.starts_with("deadlock detected") => conflict(),
        // Of the event log, which makes partitions ahead of time: the clock has jumped.
        _ if message.starts_with("no partition of relation") => {
            Error::new(Reason::DatabaseUnavailable, "the event log has no room for this time yet; try again")
                .retry_after(RETRY_AFTER)
        }
        _ if CLOSING_MESSAGES.iter().any(|start| message.starts_with(start)) => connection_lost(),
        _ => Error::internal("the database refused a statement"),
    }
}

fn error_for_rollback(rollback_error: &Failure) -> Error {
    match rollback_error {
        Failure::DatabaseError(kind, information) => error_for_kind(kind, &**information),
        _ => connection_lost(),
    }
}

pub(super) fn connection_lost() -> Error {
    Error::new(Reason::DatabaseUnavailable, "the database does not answer; try again").retry_after(RETRY_AFTER)
}

fn conflict() -> Error {
    Error::new(Reason::DatabaseUnavailable, "the call met another one in the database; try again")
        .retry_after(Duration::from_millis(50))
}

pub(super) fn read_only() -> Error {
    Error::new(
        Reason::DatabaseUnavailable,
        "the database is read-only: a standby, or set so; DB_URL must name a server that takes writes",
    )
}

/// PostgreSQL's message with what it adds to it, for the log. Its DETAIL is left out: it quotes the values that break a
/// constraint, or the whole row, and records are not for the log.
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

/// A message without the value that it quotes at its end, as in `invalid input syntax for type integer: "x"`.
fn redact_value(message: &str) -> &str {
    message.split_once(": \"").map_or(message, |(what, _)| what)
}
