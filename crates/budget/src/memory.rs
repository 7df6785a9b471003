//! How much memory all requests of a process may hold together.

use groundplan_error::{Error, Reason};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// When a caller may try again who found no memory free.
const RETRY: Duration = Duration::from_secs(1);

/// What a process may hold in the buffers of watchers, transfers and large requests. A handle: clones share one pool.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    limit: usize,
    used: AtomicUsize,
}

impl Memory {
    /// A pool of `limit` bytes, all of them free.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Pool { limit, used: AtomicUsize::new(0) }))
    }

    /// Reserves `bytes`, before they are allocated. They are free again when the result is dropped.
    ///
    /// # Errors
    /// `MEMORY_EXHAUSTED` if fewer are free.
    pub fn hold(&self, bytes: usize) -> Result<Held, Error> {
        let mut held = Held { memory: self.clone(), bytes: 0 };
        held.grow(bytes)?;
        Ok(held)
    }

    /// How many bytes are reserved.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// How many bytes can be reserved in all.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    pub(crate) fn reserve(&self, bytes: usize) -> Result<(), Error> {
        let more = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.0.limit);
        let reserved = self.0.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        reserved.map(drop).map_err(|_| self.exhausted())
    }

    /// Frees what was reserved.
    pub(crate) fn release(&self, bytes: usize) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    #[cold]
    fn exhausted(&self) -> Error {
        let limit = self.0.limit;
        let message = format!(
            "all {limit} bytes that the process may hold for calls are in use; try again, or ask for less at once \
             (GROUNDPLAN_MEMORY sets the limit)"
        );
        Error::new(Reason::MemoryExhausted, message).with("limit", limit.to_string()).retry_after(RETRY)
    }
}

/// Reserved bytes. They are free again when this is dropped.
#[derive(Debug)]
pub struct Held {
    memory: Memory,
    bytes: usize,
}

impl Held {
    /// Reserves `bytes` more.
    ///
    /// # Errors
    /// `MEMORY_EXHAUSTED` if fewer are free; what was held stays held.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        self.memory.reserve(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Frees `bytes`, at most what is held.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.memory.release(bytes);
    }

    /// How many bytes are held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;
    use groundplan_error::Reason;

    #[test]
    fn what_is_held_is_free_again_when_it_is_dropped() {
        let memory = Memory::new(100);
        let mut first = memory.hold(60).unwrap();
        assert_eq!(memory.hold(41).unwrap_err().reason(), Reason::MemoryExhausted);
        first.grow(40).unwrap();
        assert!(first.grow(1).is_err());
        first.shrink(50);
        assert_eq!((memory.used(), first.bytes()), (50, 50));
        drop(first);
        assert_eq!(memory.used(), 0);
    }
}
