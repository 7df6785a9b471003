//! How long records that are over wait to be purged, as metrics.

use opentelemetry::KeyValue;
use opentelemetry::global::meter;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Why a record is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It was deleted, and the time in which it could have come back has passed.
    Deleted,
    /// Its own time has passed.
    Expired,
}

/// Since when the oldest record of each kind waits, in microseconds since the Unix epoch; 0: none does.
#[derive(Debug, Default)]
pub(crate) struct Lag {
    deleted: AtomicI64,
    expired: AtomicI64,
}

impl Lag {
    fn of(&self, kind: Kind) -> &AtomicI64 {
        match kind {
            Kind::Deleted => &self.deleted,
            Kind::Expired => &self.expired,
        }
    }

    /// Notes since when the oldest record waits.
    pub(crate) fn note(&self, kind: Kind, since: Option<i64>) {
        self.of(kind).store(since.unwrap_or_default(), Ordering::Relaxed);
    }

    /// For how long the oldest record has waited, in seconds: it grows while purging fails.
    #[expect(clippy::cast_precision_loss, reason = "a metric is not exact")]
    pub(crate) fn seconds(&self, kind: Kind) -> f64 {
        let since = self.of(kind).load(Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        if since == 0 { 0.0 } else { now.saturating_sub(since).max(0) as f64 / 1e6 }
    }
}

/// Registers the metric. It ends with the process.
pub(crate) fn observe(lag: &Arc<Lag>) {
    let lag = Arc::downgrade(lag);
    meter("groundplan")
        .f64_observable_gauge("groundplan.purge.lag")
        .with_description("For how long the oldest record that is over waits to be purged")
        .with_unit("s")
        .with_callback(move |observer| {
            let Some(lag) = lag.upgrade() else { return };
            for (kind, name) in [(Kind::Deleted, "deleted"), (Kind::Expired, "expired")] {
                observer.observe(lag.seconds(kind), &[KeyValue::new("kind", name)]);
            }
        })
        .build();
}
