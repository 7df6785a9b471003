//! The due times and acknowledgement times of changes, and the signal to stop.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The clock of one measurement. Changes are numbered from 0.
pub(super) struct Clock {
    began: OnceLock<Instant>,
    rate: u32,
    /// The time of each acknowledgement, in nanoseconds since the start; 0 before the acknowledgement.
    acked: Vec<AtomicU64>,
    next: AtomicU64,
    stop: CancellationToken,
}

impl Clock {
    pub(super) fn new(rate: u32, seconds: u32) -> Self {
        let acked = (0..u64::from(rate) * u64::from(seconds)).map(|_| AtomicU64::new(0)).collect();
        Self { began: OnceLock::new(), rate, acked, next: AtomicU64::new(0), stop: CancellationToken::new() }
    }

    pub(super) fn begin(&self) {
        self.began.get_or_init(Instant::now);
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.get().map(Instant::elapsed).unwrap_or_default()
    }

    /// Returns the nanoseconds since the start.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Returns the number and the due time of the next change; none if all are taken.
    pub(super) fn take(&self) -> Option<(u64, tokio::time::Instant)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.slot(number)?;
        let began = *self.began.get()?;
        let due = began + Duration::from_secs(1).mul_f64(to_f64(number) / f64::from(self.rate));
        Some((number, due.into()))
    }

    /// Sets the acknowledgement time of a change to now.
    pub(super) fn ack(&self, number: u64) {
        let now = self.now();
        if let Some(slot) = self.slot(number) {
            slot.store(now, Ordering::Relaxed);
        }
    }

    /// Returns the acknowledgement time of a change, in nanoseconds since the start; 0 if there is none.
    pub(super) fn acked(&self, number: u64) -> u64 {
        self.slot(number).map(|slot| slot.load(Ordering::Relaxed)).unwrap_or_default()
    }

    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the clock is stopped.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    fn slot(&self, number: u64) -> Option<&AtomicU64> {
        self.acked.get(usize::try_from(number).ok()?)
    }
}

/// Converts the number of a change exactly: numbers are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "nobody writes 2^53 changes")]
pub(super) fn to_f64(number: u64) -> f64 {
    number as f64
}
