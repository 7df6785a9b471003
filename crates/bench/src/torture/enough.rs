//! The condition for the writers to stop.

use std::io::{Read as _, stdin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The stop condition: enough changes, and the release if the run is on hold.
pub(super) struct Enough {
    changes: u64,
    /// Whether the writers can stop: standard input is closed, or the run was never on hold.
    is_released: Arc<AtomicBool>,
}

impl Enough {
    pub(super) fn new(changes: u64, hold: bool) -> Self {
        let is_released = Arc::new(AtomicBool::new(!hold));
        if hold {
            let release = is_released.clone();
            // A separate thread, because a read of standard input cannot be canceled and must not delay the exit.
            thread::spawn(move || {
                let _ = stdin().lock().read_to_end(&mut Vec::new());
                release.store(true, Ordering::Relaxed);
            });
        }
        Self { changes, is_released }
    }

    /// Checks whether the writers can stop after this number of changes.
    pub(super) fn is(&self, changes: u64) -> bool {
        changes >= self.changes && self.is_released.load(Ordering::Relaxed)
    }
}
