//! The memory that all requests of a process can hold together.

use groundplan_error::{Error, Reason};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// When a caller can retry after no memory was free.
const RETRY: Duration = Duration::from_secs(1);

/// The memory of a process for the buffers of watchers, transfers and large requests. A handle: clones share one pool.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    limit: usize,
    used: AtomicUsize,
}

impl Memory {
    /// Returns a pool of `limit` free bytes.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Pool { limit, used: AtomicUsize::new(0) }))
    }

    /// Reserves `bytes` before they are allocated. Dropping the result frees them.
    ///
    /// # Errors
    /// `MEMORY_EXHAUSTED` if fewer are free.
    pub fn hold(&self, bytes: usize) -> Result<Held, Error> {
        let mut held = Held { memory: self.clone(), bytes: 0 };
        held.grow(bytes)?;
        Ok(held)
    }

    /// Returns the number of reserved bytes.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Returns the size of the pool in bytes.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    pub(crate) fn reserve(&self, bytes: usize) -> Result<(), Error> {
        let more = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.0.limit);
        let reserved = self.0.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        reserved.map(drop).map_err(|_| self.exhausted())
    }

    /// Frees reserved bytes.
    pub(crate) fn release(&self, bytes: usize) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    #[cold]
    fn exhausted(&self) -> Error {
        let limit = self.0.limit;
        let message = format!(
            "all {limit} bytes of the process's memory for calls are in use; try again, or request less at a time \
             (GROUNDPLAN_MEMORY sets the limit)"
        );
        Error::new(Reason::MemoryExhausted, message).with("limit", limit.to_string()).retry_after(RETRY)
    }
}

/// Reserved bytes. Dropping this frees them.
#[derive(Debug)]
pub struct Held {
    memory: Memory,
    bytes: usize,
}

impl Held {
    /// Reserves `bytes` more.
    ///
    /// # Errors
    /// `MEMORY_EXHAUSTED` if fewer are free; the held bytes stay held.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        self.memory.reserve(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Frees `bytes`, at most those held.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.memory.release(bytes);
    }

    /// Returns the number of held bytes.
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
    fn dropping_a_reservation_frees_its_bytes() {
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
