//! A connection for as long as a call needs it, and what happens when the call goes away in the middle.

use super::cancel::Canceller;
use super::pool::{LeasedConnection, PooledSession};
use diesel::result::{DatabaseErrorKind, Error as Failure};
use diesel_async::{AnsiTransactionManager, AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use std::sync::Arc;
use std::time::Duration;

/// How long a cancelled connection may take to come to rest before it is closed.
const RESET_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection out of the pool; it goes back when the lease is dropped.
pub struct Lease {
    /// None only while a `run` that was dropped has taken it away for good.
    connection: Option<LeasedConnection>,
    canceller: Arc<Canceller>,
}

impl Lease {
    pub(super) fn new(connection: LeasedConnection, canceller: Arc<Canceller>) -> Self {
        Self { connection: Some(connection), canceller }
    }

    /// Does `work` on the connection.
    ///
    /// When the future is dropped in the middle (the caller hung up, a deadline passed), the statement that runs is
    /// cancelled on the server, an open transaction is rolled back, and only then does the connection go back to the pool.
    /// The lease is of no use afterwards. `work` must leave nothing behind in the session (`SET`, `LISTEN`, session
    /// locks, a `BEGIN` that Diesel does not know of).
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

/// Work in progress. Dropping it unfinished takes the connection away from the lease and brings it to rest.
struct RunGuard<'a> {
    lease: &'a mut Lease,
    finished: bool,
}

impl RunGuard<'_> {
    fn connection(&mut self) -> &mut AsyncPgConnection {
        let taken = self.lease.connection.as_mut();
        &mut taken.expect("only a dropped run takes the connection, and its borrow ends the lease's use").connection
    }
}

impl Drop for RunGuard<'_> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let Some(mut connection) = self.lease.connection.take() else { return };
        // Until it has come to rest, it must not go back, whatever happens to the task.
        connection.discard = true;
        let canceller = Arc::clone(&self.lease.canceller);
        // Without a runtime the process is ending; the server notices that the connection closes.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                match tokio::time::timeout(RESET_TIMEOUT, reset_session(&mut connection, &canceller)).await {
                    Ok(true) => connection.discard = false,
                    Ok(false) | Err(_) => tracing::warn!("a cancelled statement did not end; its connection is closed"),
                }
            });
        }
    }
}

/// Cancels what runs and rolls back what is open. Says whether the connection is as good as new.
async fn reset_session(session: &mut PooledSession, canceller: &Canceller) -> bool {
    if let Err(error) = canceller.cancel(session.process).await {
        tracing::warn!(error = error.log_text(), "a statement could not be cancelled");
        return false;
    }
    // The cancel may hit the ROLLBACK instead, when the statement was just ending: it is spent then, and the next one stands.
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
