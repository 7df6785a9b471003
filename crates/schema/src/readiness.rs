//! Whether the database answers.

use groundplan_chassis::database::Database;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How long the database may be silent before this process counts as not ready.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks until the process stops. `ready` says whether the database answers, or did so a short while ago.
pub(crate) async fn run(database: Database, interval: Duration, ready: watch::Sender<bool>, stop: CancellationToken) {
    let mut last_answer = Instant::now();
    while stop.run_until_cancelled(sleep(interval)).await.is_some() {
        match database.ping().await {
            Ok(()) => {
                last_answer = Instant::now();
                ready.send_replace(true);
            }
            Err(error) if last_answer.elapsed() > PATIENCE => {
                // Once, not at every look: the readiness says that it lasts.
                if ready.send_replace(false) {
                    tracing::error!(error = error.log_text(), "the database does not answer; trying on");
                }
            }
            Err(_) => {}
        }
    }
    ready.send_replace(false);
}
