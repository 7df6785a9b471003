//! Leases of connections, and what happens when a call is dropped while it uses one.

use super::cancel::Canceller;
use super::pool::{LeasedConnection, PooledSession};
use diesel::result::{DatabaseErrorKind, Error as Failure};
use diesel_async::{AnsiTransactionManager, AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use std::sync::Arc;
use std::time::Duration;

/// The longest wait until a cancelled connection is idle; after that it is closed.
const RESET_TIMEOUT: Duration = Duration::from_secs(10);

/// A lease of a pooled connection; dropping it returns the connection.
pub struct Lease {
    /// None only after a dropped `run` has taken the connection permanently.
    connection: Option<LeasedConnection>,
    canceller: Arc<Canceller>,
}

impl Lease {
    pub(super) fn new(connection: LeasedConnection, canceller: Arc<Canceller>) -> Self {
        Self { connection: Some(connection), canceller }
    }

    /// Runs `work` on the connection.
    ///
    /// If the future is dropped early (the caller has disconnected, or a deadline has expired), the running statement is
    /// cancelled on the server and an open transaction is rolled back before the connection returns to the pool. The lease cannot
    /// be used after that. `work` must not change the session (`SET`, `LISTEN`, session locks, a `BEGIN` outside of Diesel).
    pub async fn run<R>(&mut self, work: impl AsyncFnOnce(&mut AsyncPgConnection) -> R) -> R {
        let mut running = RunGuard { lease: self, finished: false };
        let result = work(running.connection()).await;
        running.finished = true;
        result
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Lease").finish_non_exhaustive()
    }
}

/// Work in progress. Dropping it early takes the connection away from the lease and resets it.
struct RunGuard<'a> {
    lease: &'a mut Lease,
    finished: bool,
}

impl RunGuard<'_> {
    fn connection(&mut self) -> &mut AsyncPgConnection {
        let connection = self.lease.connection.as_mut();
        &mut connection
            .expect("only a dropped run takes the connection, and its borrow ends the lease's use")
            .connection
    }
}

impl Drop for RunGuard<'_> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let Some(mut connection) = self.lease.connection.take() else { return };
        // The connection must not return to the pool before it is reset, even if the task fails.
        connection.discard = true;
        let canceller = Arc::clone(&self.lease.canceller);
        // Without a runtime the process is exiting; the server notices that the connection closes.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                match tokio::time::timeout(RESET_TIMEOUT, reset_session(&mut connection, &canceller)).await {
                    Ok(true) => connection.discard = false,
                    Ok(false) | Err(_) => {
                        tracing::warn!("a cancelled statement did not stop; its connection is closed")
                    }
                }
            });
        }
    }
}

/// Cancels the running statement and rolls back the open transaction. Returns whether the connection can be reused.
async fn reset_session(session: &mut PooledSession, canceller: &Canceller) -> bool {
    if let Err(error) = canceller.cancel(session.process).await {
        tracing::warn!(error = error.log_text(), "a statement could not be cancelled");
        return false;
    }
    // If the statement has just finished, the cancel can hit the ROLLBACK instead; then the second ROLLBACK succeeds.
    for _ in 0..2 {
        match session.connection.batch_execute("ROLLBACK").await {
            Ok(()) => {
                *session.connection.transaction_state() = AnsiTransactionManager::default();
                return true;
            }
            Err(Failure::DatabaseError(DatabaseErrorKind::Unknown, _)) => {}
            Err(_) => return false,
        }
    }
    false
}
