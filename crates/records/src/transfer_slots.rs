//! The limit of concurrent imports and exports.

use groundplan_budget::{Held, Memory};
use groundplan_error::{Error, Reason};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The maximum number of concurrent imports and exports. Each has its own connection.
pub(crate) const MAX_AT_ONCE: usize = 4;

/// When a caller can retry after a rejection for lack of slots or memory.
pub(crate) const RETRY_DELAY: Duration = Duration::from_secs(5);

/// The slots for imports and exports of a process.
#[derive(Debug)]
pub(crate) struct Slots(Arc<Semaphore>);

/// The slot and the memory of one import or export.
#[derive(Debug)]
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
    _memory: Held,
}

impl Default for Slots {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_AT_ONCE)))
    }
}

impl Slots {
    /// Takes a slot and `bytes` of memory until the result is dropped.
    ///
    /// # Errors
    /// `RATE_LIMITED` without a free slot, `MEMORY_EXHAUSTED` without memory.
    pub(crate) fn take(&self, memory: &Memory, bytes: usize) -> Result<Slot, Error> {
        let permit = Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let words = format!(
                "{MAX_AT_ONCE} imports and exports are running, which is the limit; try again after one has finished"
            );
            Error::new(Reason::RateLimited, words).retry_after(RETRY_DELAY)
        })?;
        Ok(Slot { _permit: permit, _memory: memory.hold(bytes)? })
    }
}
