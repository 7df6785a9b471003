//! Undoes what a failed revision left in the tables of the live one.

use super::{Progress, execute, lock, session};
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::Database;
use groundplan_error::Error;
use groundplan_model::Leftover;

/// Undoes the leftovers of a failed revision, as the only process that works on the storage, if `is_settled` returns true
/// under the lock. Leftovers that cannot be undone are logged and tried again with the next revision.
///
/// # Errors
/// Those of `is_settled`, and `DATABASE_UNAVAILABLE` if no session can be opened.
pub async fn withdraw(
    database: &Database,
    revision: i64,
    leftovers: &[Leftover],
    is_settled: impl AsyncFnOnce() -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut conn = session::open(database).await?;
    let progress: Progress = Box::new(|_, _| {});
    if lock::acquire(&mut conn, lock::MAX_IDLE, &progress).await.is_err() {
        tracing::warn!(revision, "cannot undo the changes of a failed revision: another process works on the storage");
        return Ok(());
    }
    let outcome = is_settled().await;
    if matches!(outcome, Ok(true)) {
        for leftover in leftovers {
            undo(&mut conn, revision, leftover).await;
        }
    }
    // If this fails, the lock ends with the session, which ends here.
    let _ = lock::release(&mut conn).await;
    outcome.map(drop)
}

async fn undo(conn: &mut AsyncPgConnection, revision: i64, leftover: &Leftover) {
    match execute::exists(conn, &leftover.table, &leftover.object).await {
        Ok(false) => return,
        Ok(true) => {}
        Err(error) => return tracing::warn!(revision, %error, "cannot inspect the changes of a failed revision"),
    }
    for statement in &leftover.undo {
        match execute::statements(conn, std::slice::from_ref(statement)).await {
            Ok(()) => tracing::info!(revision, sql = statement.sql, "undid a change of a failed revision"),
            Err((_, error)) => {
                tracing::warn!(revision, sql = statement.sql, %error, "cannot undo a change of a failed revision; run this statement");
            }
        }
    }
}
