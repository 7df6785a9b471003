//! How many imports and exports run at once.

use groundplan_budget::{Held, Memory};
use groundplan_error::{Error, Reason};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most imports and exports that run at once: each has a connection of its own.
pub(crate) const MAX_AT_ONCE: usize = 4;

/// When a caller may send again what found no place or no memory.
pub(crate) const AGAIN: Duration = Duration::from_secs(5);

/// The places for imports and exports of a process.
#[derive(Debug)]
pub(crate) struct Slots(Arc<Semaphore>);

/// The place and the memory of one of them.
#[derive(Debug)]
pub(crate) struct Slot {
    _place: OwnedSemaphorePermit,
    _memory: Held,
}

impl Default for Slots {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_AT_ONCE)))
    }
}

impl Slots {
    /// Takes a place and memory, for as long as what is given lives.
    pub(crate) fn take(&self, memory: &Memory, bytes: usize) -> Result<Slot, Error> {
        let place = Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let words = format!(
                "{MAX_AT_ONCE} imports and exports are running, which is the limit; try again after one has finished"
            );
            Error::new(Reason::RateLimited, words).retry_after(AGAIN)
        })?;
        Ok(Slot { _place: place, _memory: memory.hold(bytes)? })
    }
}
