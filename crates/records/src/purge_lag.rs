//! The metric of how long records wait for their purge.

use opentelemetry::KeyValue;
use opentelemetry::global::meter;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Why a record must be purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PurgeKind {
    /// It was deleted, and its retention has passed.
    Deleted,
    /// It expired.
    Expired,
}

/// Since when the oldest record of each kind waits, in microseconds since the Unix epoch; 0 if none waits.
#[derive(Debug, Default)]
pub(crate) struct PurgeLag {
    deleted: AtomicI64,
    expired: AtomicI64,
}

impl PurgeLag {
    fn since(&self, kind: PurgeKind) -> &AtomicI64 {
        match kind {
            PurgeKind::Deleted => &self.deleted,
            PurgeKind::Expired => &self.expired,
        }
    }

    /// Sets since when the oldest record waits.
    pub(crate) fn set(&self, kind: PurgeKind, since: Option<i64>) {
        self.since(kind).store(since.unwrap_or_default(), Ordering::Relaxed);
    }

    /// Returns how long the oldest record has waited, in seconds. It grows while purging fails.
    #[expect(clippy::cast_precision_loss, reason = "a metric is not exact")]
    pub(crate) fn seconds(&self, kind: PurgeKind) -> f64 {
        let since = self.since(kind).load(Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        if since == 0 { 0.0 } else { now.saturating_sub(since).max(0) as f64 / 1e6 }
    }
}

/// Registers the metric.
pub(crate) fn observe(lag: &Arc<PurgeLag>) {
    let lag = Arc::downgrade(lag);
    meter("groundplan")
        .f64_observable_gauge("groundplan.purge.lag")
        .with_description("For how long the oldest record that is over waits to be purged")
        .with_unit("s")
        .with_callback(move |observer| {
            let Some(lag) = lag.upgrade() else { return };
            for (kind, name) in [(PurgeKind::Deleted, "deleted"), (PurgeKind::Expired, "expired")] {
                observer.observe(lag.seconds(kind), &[KeyValue::new("kind", name)]);
            }
        })
        .build();
}
