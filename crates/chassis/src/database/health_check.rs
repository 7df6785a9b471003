//! Whether the database answers, for as long as the process runs.

use super::Database;
use super::error::connection_lost;
use groundplan_error::Error;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is asked.
const INTERVAL: Duration = Duration::from_millis(500);

/// How long one answer may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// How long there may be no answer of a database that can be reached: where all connections are busy, fewer processes would be
/// busier still.
const UNHEALTHY_AFTER: Duration = Duration::from_secs(10);

impl Database {
    /// Follows whether the database answers. It is false as soon as the database cannot be reached, and when it has not answered
    /// for ten seconds; and from `stop`.
    pub fn watch_health(&self, tasks: &mut JoinSet<()>, stop: CancellationToken) -> watch::Receiver<bool> {
        let (sender, health) = watch::channel(true);
        let database = self.clone();
        tasks.spawn(async move {
            let mut last_success = Instant::now();
            while stop.run_until_cancelled(sleep(INTERVAL)).await.is_some() {
                match database.check_health().await {
                    Ok(()) => {
                        last_success = Instant::now();
                        if sender.send_if_modified(|is_healthy| !std::mem::replace(is_healthy, true)) {
                            tracing::info!(schema = database.schema(), "the database answers again");
                        }
                    }
                    Err(error) if database.pool.is_unreachable() || last_success.elapsed() > UNHEALTHY_AFTER => {
                        // Once, not at every look: the readiness says that it lasts.
                        if sender.send_if_modified(|is_healthy| std::mem::replace(is_healthy, false)) {
                            let (schema, error) = (database.schema(), error.log_text());
                            tracing::error!(schema, error, "the database does not answer; trying on");
                        }
                    }
                    Err(_) => {}
                }
            }
            sender.send_if_modified(|is_healthy| std::mem::replace(is_healthy, false));
        });
        health
    }

    async fn check_health(&self) -> Result<(), Error> {
        timeout(CHECK_TIMEOUT, self.ping()).await.map_err(|_| connection_lost())?
    }
}
