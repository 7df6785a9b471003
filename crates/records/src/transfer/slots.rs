//! How many imports and exports run at once.

use super::MAX_AT_ONCE;
use groundplan_error::{Error, Reason};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// When one may be at its end.
const AGAIN: Duration = Duration::from_secs(5);

/// The places for imports and exports of a process.
#[derive(Debug)]
pub(crate) struct Slots(Arc<Semaphore>);

impl Default for Slots {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_AT_ONCE)))
    }
}

impl Slots {
    /// Takes a place, for as long as what is given lives.
    pub(crate) fn take(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let words =
                format!("{MAX_AT_ONCE} imports and exports run already, as many as may; try again when one has ended");
            Error::new(Reason::RateLimited, words).retry_after(AGAIN)
        })
    }
}
