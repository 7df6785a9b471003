//! Cancelling the statement of a connection.

use super::connect::ConnectionTarget;
use groundplan_error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_postgres::Client;

/// The longest wait for a cancel; after that the connection is closed.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// Cancels statements over a separate connection, which is opened at the first use.
///
/// PostgreSQL's cancel protocol does not confirm the arrival of a cancel, so a cancel could hit the statement of the next lease.
/// `pg_cancel_backend` returns after it has sent the signal: later statements of the connection are not affected.
pub(super) struct Canceller {
    target: Arc<ConnectionTarget>,
    client: Mutex<Option<Arc<Client>>>,
}

impl Canceller {
    pub(super) fn new(target: Arc<ConnectionTarget>) -> Self {
        Self { target, client: Mutex::new(None) }
    }

    /// Cancels the statement of the server's `process`, if any. No cancel is pending after it returns.
    pub(super) async fn cancel(&self, process: i32) -> Result<(), Error> {
        let cancelling = async {
            let client = self.client().await?;
            client.query_one("SELECT pg_cancel_backend($1)", &[&process]).await.map(drop).map_err(Error::internal)
        };
        tokio::time::timeout(CANCEL_TIMEOUT, cancelling).await.unwrap_or_else(|elapsed| Err(Error::internal(elapsed)))
    }

    /// Returns the connection, and opens it again if it is closed.
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
