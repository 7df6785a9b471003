//! The history of models with the option `history`: one process at a time copies it from the event log, in order.
//!
//! The copy does not slow down writers. Readers of a history combine the copy with later events of the log in one statement, so
//! that the history is always complete.

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

/// The pause between two copies. Readers read later changes from the log.
const PAUSE: Duration = Duration::from_millis(500);

/// The interval between purges of old changes.
const PURGE: Duration = Duration::from_secs(600);

/// Copies until the event log stops.
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

/// Copies all events, unless another process copies.
async fn copy_all(records: &Records) -> Result<(), Error> {
    while copy::step(records).await? {}
    Ok(())
}
