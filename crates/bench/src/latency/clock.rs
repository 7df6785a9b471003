//! When each change is due, when it was acknowledged, and when it is all over.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The clock of one measurement. Changes have numbers from 0 on.
pub(super) struct Clock {
    began: OnceLock<Instant>,
    rate: u32,
    /// When each change was acknowledged, in nanoseconds from the beginning; 0 before.
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

    /// Nanoseconds from the beginning.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The number of the next change, and when it is due; none if all are taken.
    pub(super) fn take(&self) -> Option<(u64, tokio::time::Instant)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.slot(number)?;
        let began = *self.began.get()?;
        let due = began + Duration::from_secs(1).mul_f64(to_f64(number) / f64::from(self.rate));
        Some((number, due.into()))
    }

    /// A change is acknowledged now.
    pub(super) fn ack(&self, number: u64) {
        let now = self.now();
        if let Some(slot) = self.slot(number) {
            slot.store(now, Ordering::Relaxed);
        }
    }

    /// When a change was acknowledged.
    pub(super) fn acked(&self, number: u64) -> u64 {
        self.slot(number).map(|slot| slot.load(Ordering::Relaxed)).unwrap_or_default()
    }

    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until it is all over.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    fn slot(&self, number: u64) -> Option<&AtomicU64> {
        self.acked.get(usize::try_from(number).ok()?)
    }
}

/// Numbers of changes are far below what a double can say.
#[expect(clippy::cast_precision_loss, reason = "nobody writes 2^53 changes")]
pub(super) fn to_f64(number: u64) -> f64 {
    number as f64
}
