//! Keeps the newest revisions in sight: asks the database at a steady pace, because other processes of this service
//! change it too, and at once when this process has changed it itself.

use crate::store::revisions::{self, Heads};
use groundplan_chassis::database::{Database, refusal};
use groundplan_error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long the database may be silent before this process counts as not ready.
const PATIENCE: Duration = Duration::from_secs(10);

/// The one task that asks. Everybody else waits for what it sends.
pub(crate) struct Poller {
    pub(crate) database: Database,
    pub(crate) heads: watch::Sender<Heads>,
    /// Whether the database answers, or did so a short while ago.
    pub(crate) ready: watch::Sender<bool>,
    pub(crate) changed: Arc<Notify>,
    pub(crate) interval: Duration,
    pub(crate) stop: CancellationToken,
}

impl Poller {
    /// Asks until the process stops.
    pub(crate) async fn run(self) {
        let mut last_answer = Instant::now();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = self.changed.notified() => {}
                () = tokio::time::sleep(self.interval) => {}
            }
            match self.newest().await {
                Ok(heads) => {
                    last_answer = Instant::now();
                    self.ready.send_replace(true);
                    self.heads.send_if_modified(|known| std::mem::replace(known, heads) != heads);
                }
                Err(error) if last_answer.elapsed() > PATIENCE => {
                    // Once, not at every look: the readiness says that it lasts.
                    if self.ready.send_replace(false) {
                        tracing::error!(error = error.log_text(), "the revisions cannot be read; trying on");
                    }
                }
                Err(_) => {}
            }
        }
        self.ready.send_replace(false);
    }

    async fn newest(&self) -> Result<Heads, Error> {
        let mut lease = self.database.lease().await?;
        lease.run(async |connection| revisions::heads(connection).await).await.map_err(refusal)
    }
}
