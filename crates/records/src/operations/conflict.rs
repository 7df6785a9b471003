//! When calls meet in the database, and how the one that lost tries again.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use groundplan_error::{Error, Reason};
use rand::RngExt;
use std::time::Duration;

/// How often a write that nobody guarded with an etag is tried when others come first.
pub(super) const ATTEMPTS: u32 = 10;

/// The longest pause before the second attempt; each later one may be longer by as much.
pub(super) const PAUSE: Duration = Duration::from_millis(4);

/// Lets others through: those who meet at a record spread out, the more the more often they met.
pub(super) async fn pause(attempt: u32) {
    let part = rand::rng().random_range(0.0..1.0);
    tokio::time::sleep((PAUSE * attempt).mul_f64(part)).await;
}

/// Whether PostgreSQL gave up a statement because it and another waited for each other. Nothing of it was written.
pub(super) fn is_deadlock(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::RollbackErrorOnCommit { commit_error, .. } => is_deadlock(commit_error),
        // There is no kind for SQLSTATE 40P01.
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, facts) => {
            facts.message().starts_with("deadlock detected")
        }
        _ => false,
    }
}

/// The refusal of writes that others kept overtaking.
pub(super) fn busy(attempts: u32) -> Error {
    let message = format!("others came first at each of {attempts} attempts to write; nothing was written: try again");
    Error::new(Reason::RecordBusy, message).retry_after(PAUSE * attempts)
}
