//! When there is enough of it.

use std::io::{Read as _, stdin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// What the writers wait for.
pub(super) struct Enough {
    changes: u64,
    /// Whether nobody holds them any more.
    is_released: Arc<AtomicBool>,
}

impl Enough {
    pub(super) fn new(changes: u64, hold: bool) -> Self {
        let is_released = Arc::new(AtomicBool::new(!hold));
        if hold {
            let release = is_released.clone();
            // A thread of its own: a read of standard input cannot be given up, and must not hold up the end.
            thread::spawn(move || {
                let _ = stdin().lock().read_to_end(&mut Vec::new());
                release.store(true, Ordering::Relaxed);
            });
        }
        Self { changes, is_released }
    }

    /// Whether so many changes are enough.
    pub(super) fn is(&self, changes: u64) -> bool {
        changes >= self.changes && self.is_released.load(Ordering::Relaxed)
    }
}
