//! The status of a process's tail, as metrics.

use opentelemetry::KeyValue;
use opentelemetry::global::meter;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The status of a tail. Times are in microseconds since the Unix epoch; 0 means none.
#[derive(Debug, Default)]
pub struct Status {
    /// The newest drawn position that the tail has seen.
    pub newest: AtomicI64,
    /// The last position that was delivered to followers.
    pub delivered: AtomicI64,
    /// Since when committed events have been blocked by a gap.
    pub waiting_since: AtomicI64,
    /// The start of the oldest open transaction that has appended.
    pub oldest_writer: AtomicI64,
    /// The time from append to delivery of the last delivered event, in microseconds.
    pub latency: AtomicI64,
}

impl Status {
    /// Returns how long the tail has waited for a gap, in seconds; without a gap, the latency of the last events.
    pub fn lag(&self) -> f64 {
        match seconds_since(&self.waiting_since) {
            0.0 => seconds(self.latency.load(Ordering::Relaxed)),
            waiting => waiting,
        }
    }

    /// Returns the age of the oldest open transaction that has appended, in seconds.
    pub fn oldest_writer_age(&self) -> f64 {
        seconds_since(&self.oldest_writer)
    }
}

/// Registers the metrics of a log for the lifetime of the process.
pub(crate) fn register_metrics(log: &'static str, status: &Arc<Status>) {
    let meter = meter("groundplan");
    let labels = [KeyValue::new("log", log)];
    let gauge = |name: &'static str, description: &'static str, read: fn(&Status) -> i64| {
        let (status, labels) = (Arc::downgrade(status), labels.clone());
        let builder = meter.i64_observable_gauge(name).with_description(description);
        builder
            .with_callback(move |observer| {
                status.upgrade().into_iter().for_each(|status| observer.observe(read(&status), &labels))
            })
            .build();
    };
    gauge("groundplan.eventlog.position.newest", "The newest position that was drawn", |status| {
        status.newest.load(Ordering::Relaxed)
    });
    gauge("groundplan.eventlog.position.delivered", "The last position that was delivered to followers", |status| {
        status.delivered.load(Ordering::Relaxed)
    });
    let seconds = |name: &'static str, description: &'static str, read: fn(&Status) -> f64| {
        let (status, labels) = (Arc::downgrade(status), labels.clone());
        let builder = meter.f64_observable_gauge(name).with_description(description).with_unit("s");
        builder
            .with_callback(move |observer| {
                status.upgrade().into_iter().for_each(|status| observer.observe(read(&status), &labels))
            })
            .build();
    };
    seconds("groundplan.eventlog.lag", "The delay from a commit to its delivery to followers", Status::lag);
    seconds(
        "groundplan.eventlog.oldest_writer.age",
        "The age of the oldest transaction that has appended and is open",
        Status::oldest_writer_age,
    );
}

/// Returns the current time in microseconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)
}

fn seconds_since(time: &AtomicI64) -> f64 {
    match time.load(Ordering::Relaxed) {
        0 => 0.0,
        time => seconds(now().saturating_sub(time).max(1)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric is not exact")]
fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1e6
}
