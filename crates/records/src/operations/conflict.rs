//! Conflicts between calls in the database, and the pauses before the loser tries again.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use groundplan_error::{Error, Reason};
use rand::RngExt;
use std::time::Duration;

/// The most attempts of a write without an etag while concurrent writes win.
pub(super) const ATTEMPTS: u32 = 10;

/// The longest pause before the second attempt. The limit grows by the same amount for each further attempt.
pub(super) const PAUSE: Duration = Duration::from_millis(4);

/// Waits a random time, up to a limit that grows with the attempts, so that writers of the same record spread out.
pub(super) async fn pause(attempt: u32) {
    let part = rand::rng().random_range(0.0..1.0);
    tokio::time::sleep((PAUSE * attempt).mul_f64(part)).await;
}

/// Returns whether PostgreSQL aborted a statement because of a deadlock or a serialization failure. It wrote nothing then.
pub(super) fn is_deadlock(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::RollbackErrorOnCommit { commit_error, .. } => is_deadlock(commit_error),
        // Diesel has no kind for SQLSTATE 40P01.
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, facts) => {
            facts.message().starts_with("deadlock detected")
        }
        _ => false,
    }
}

/// Returns the error for writes that lost to concurrent writes at each attempt.
pub(super) fn busy(attempts: u32) -> Error {
    let message = format!("others came first at each of {attempts} attempts to write; nothing was written: try again");
    Error::new(Reason::RecordBusy, message).retry_after(PAUSE * attempts)
}
