//! The history of the models that keep one: copied from the event log, in order, by one process at a time.
//!
//! The copy costs writers nothing. Who reads a history reads what is copied and, by the same statement, what the log has
//! behind it, so that it is complete at any moment.

mod copy;
mod models;
mod read;

pub(crate) use models::{Coverage, keep};
pub(crate) use read::{MAX_BYTES, Written, first_after, newest_first};

use crate::state::Records;
use groundplan_error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The consumer's name in the log.
const CONSUMER: &str = "history";

/// Between two copies. What is not copied yet is read from the log.
const PAUSE: Duration = Duration::from_millis(500);

/// How often what is too old is looked for.
const PURGE: Duration = Duration::from_secs(600);

/// Copies for as long as the process lives.
pub(crate) async fn run(records: &Records) {
    let mut progress = records.log().watch();
    let mut purge_at = Instant::now() + PURGE;
    loop {
        if progress.changed().await.is_err() {
            return;
        }
        if let Err(error) = copy_all(records).await {
            tracing::warn!(error = error.log_text(), "the history cannot be copied; trying again");
        }
        if Instant::now() >= purge_at {
            purge_at = Instant::now() + PURGE;
            if let Err(error) = models::purge(records).await {
                tracing::warn!(error = error.log_text(), "the history cannot be purged; trying again");
            }
        }
        sleep(PAUSE).await;
    }
}

/// Copies until there is nothing left, or another process copies.
async fn copy_all(records: &Records) -> Result<(), Error> {
    while copy::step(records).await? {}
    Ok(())
}
