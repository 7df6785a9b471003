//! Whether the database answers, for as long as the process runs.

use super::Database;
use super::refusal::lost;
use groundplan_error::Error;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is asked.
const INTERVAL: Duration = Duration::from_millis(500);

/// How long one answer may take.
const LONGEST_ANSWER: Duration = Duration::from_secs(3);

/// How long there may be no answer of a database that can be reached: where all connections are busy, fewer processes would be
/// busier still.
const PATIENCE: Duration = Duration::from_secs(10);

impl Database {
    /// Follows whether the database answers. It is false as soon as the database cannot be reached, and when it has not answered
    /// for ten seconds; and from `stop`.
    pub fn answers(&self, tasks: &mut JoinSet<()>, stop: CancellationToken) -> watch::Receiver<bool> {
        let (says, answers) = watch::channel(true);
        let database = self.clone();
        tasks.spawn(async move {
            let mut last_answer = Instant::now();
            while stop.run_until_cancelled(sleep(INTERVAL)).await.is_some() {
                match database.answers_now().await {
                    Ok(()) => {
                        last_answer = Instant::now();
                        if says.send_if_modified(|says| !std::mem::replace(says, true)) {
                            tracing::info!(schema = database.schema(), "the database answers again");
                        }
                    }
                    Err(error) if database.pool.is_away() || last_answer.elapsed() > PATIENCE => {
                        // Once, not at every look: the readiness says that it lasts.
                        if says.send_if_modified(|says| std::mem::replace(says, false)) {
                            let (schema, error) = (database.schema(), error.log_text());
                            tracing::error!(schema, error, "the database does not answer; trying on");
                        }
                    }
                    Err(_) => {}
                }
            }
            says.send_if_modified(|says| std::mem::replace(says, false));
        });
        answers
    }

    async fn answers_now(&self) -> Result<(), Error> {
        timeout(LONGEST_ANSWER, self.ping()).await.map_err(|_| lost())?
    }
}
