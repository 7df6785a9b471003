//! Memory for watchers that read the log or records themselves. They wait for it, because an error and a new call would cost
//! more.

use groundplan_budget::{Held, Memory};
use groundplan_error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The maximum wait for memory.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two attempts.
const AGAIN: Duration = Duration::from_millis(50);

/// Holds `bytes` bytes of the process's memory, as soon as they are free.
///
/// # Errors
/// `MEMORY_EXHAUSTED` if they do not become free in 10 s.
pub(crate) async fn hold_when_free(memory: &Memory, bytes: usize) -> Result<Held, Error> {
    hold_relieving(memory, bytes, || false).await
}

/// Like [`hold_when_free`], where `relieve` can free memory and returns whether it did.
pub(super) async fn hold_relieving(memory: &Memory, bytes: usize, relieve: impl Fn() -> bool) -> Result<Held, Error> {
    let end = Instant::now() + PATIENCE;
    loop {
        match memory.hold(bytes) {
            Err(_) if Instant::now() < end => {
                if !relieve() {
                    sleep(AGAIN).await;
                }
            }
            held => return held,
        }
    }
}
