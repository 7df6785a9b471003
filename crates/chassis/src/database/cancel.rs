//! Cancelling what a connection is doing.

use super::connect::ConnectionTarget;
use groundplan_error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_postgres::Client;

/// How long a cancel may take before the connection is given up.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// Cancels statements over a connection of its own, which is opened when it is first needed.
///
/// PostgreSQL's cancel protocol says nothing about when the cancel arrives, so one could hit the statement of the next
/// lease. `pg_cancel_backend` has sent the signal when it returns: whatever the cancelled connection is asked afterwards
/// comes after the cancel.
pub(super) struct Canceller {
    target: Arc<ConnectionTarget>,
    client: Mutex<Option<Arc<Client>>>,
}

impl Canceller {
    pub(super) fn new(target: Arc<ConnectionTarget>) -> Self {
        Self { target, client: Mutex::new(None) }
    }

    /// Cancels what the server's `process` is doing, if anything. Afterwards the cancel is on its way to no one.
    pub(super) async fn cancel(&self, process: i32) -> Result<(), Error> {
        let cancelling = async {
            let client = self.client().await?;
            client.query_one("SELECT pg_cancel_backend($1)", &[&process]).await.map(drop).map_err(Error::internal)
        };
        tokio::time::timeout(CANCEL_TIMEOUT, cancelling).await.unwrap_or_else(|elapsed| Err(Error::internal(elapsed)))
    }

    /// The connection, opened anew when it is gone.
    async fn client(&self) -> Result<Arc<Client>, Error> {
        let mut client = self.client.lock().await;
        if let Some(client) = client.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let opened = Arc::new(self.target.client().await?);
        *client = Some(Arc::clone(&opened));
        Ok(opened)
    }
}
