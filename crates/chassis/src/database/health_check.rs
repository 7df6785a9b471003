//! Periodic health checks of the database.

use super::Database;
use super::error::connection_lost;
use groundplan_error::Error;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// The interval of the checks.
const INTERVAL: Duration = Duration::from_millis(500);

/// The longest wait for a response.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// The time without a response after which a reachable database counts as unhealthy. Where all connections are busy, removing
/// processes would make the others busier.
const UNHEALTHY_AFTER: Duration = Duration::from_secs(10);

impl Database {
    /// Returns a receiver of the health of the database. It becomes false when the database is unreachable or has not responded
    /// for ten seconds, and after `stop`.
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
                            tracing::info!(schema = database.schema(), "the database responds again");
                        }
                    }
                    Err(error) if database.pool.is_unreachable() || last_success.elapsed() > UNHEALTHY_AFTER => {
                        // Log the change once; the readiness reports the state.
                        if sender.send_if_modified(|is_healthy| std::mem::replace(is_healthy, false)) {
                            let (schema, error) = (database.schema(), error.log_text());
                            tracing::error!(schema, error, "the database does not respond; retrying");
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
