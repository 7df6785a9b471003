//! Memory for followers that read by themselves. They wait for it: to be refused and come back would cost more.

use super::hub::Hub;
use groundplan_budget::{Held, Memory};
use groundplan_error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long to wait, and between two tries.
const PATIENCE: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(50);

/// Holds so many bytes of the process's memory, as soon as they are free.
///
/// # Errors
/// `MEMORY_EXHAUSTED` if they do not become free.
pub(crate) async fn room(memory: &Memory, bytes: usize) -> Result<Held, Error> {
    wait(memory, bytes, || false).await
}

/// The same for an event that a follower is ready to take. Those for whom most waits make room for it.
pub(crate) async fn room_to_write(hub: &Hub, bytes: usize) -> Result<Held, Error> {
    wait(&hub.context.memory, bytes, || hub.relieve()).await
}

async fn wait(memory: &Memory, bytes: usize, relieve: impl Fn() -> bool) -> Result<Held, Error> {
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
