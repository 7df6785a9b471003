//! What is known of the call that runs, wherever it is: its name for its caller and the log, and how long it has waited.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

tokio::task_local! {
    static KNOWN: Arc<Known>;
}

/// What is known of a call.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Its trace, or its request id where there is no trace.
    pub(crate) name: String,
    /// How long it has waited for connections to the database, in microseconds.
    waited: AtomicU64,
}

impl Known {
    /// A call that begins.
    pub(crate) fn by(name: String) -> Arc<Self> {
        Arc::new(Self { name, ..Self::default() })
    }

    /// How long it has waited for connections to the database, in microseconds. Tasks of its own are not counted.
    pub(crate) fn waited(&self) -> u64 {
        self.waited.load(Ordering::Relaxed)
    }
}

/// Lets a call know what is known of it.
pub(crate) fn within<F: Future>(known: Arc<Known>, call: F) -> impl Future<Output = F::Output> {
    KNOWN.scope(known, call)
}

/// What the call is known by; none outside of calls.
pub(crate) fn current() -> Option<String> {
    KNOWN.try_with(|known| known.name.clone()).ok()
}

/// Notes that the call has waited for a connection.
pub(crate) fn waited(time: Duration) {
    let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    // Outside of calls nobody asks.
    let _ = KNOWN.try_with(|known| known.waited.fetch_add(time, Ordering::Relaxed));
}

#[cfg(test)]
mod tests {
    use super::{Known, current, waited, within};
    use std::time::Duration;

    #[tokio::test]
    async fn what_a_call_waits_for_is_its_own() {
        let known = Known::by("a trace".to_owned());
        let call = async {
            waited(Duration::from_micros(3));
            waited(Duration::from_micros(4));
            current()
        };
        assert_eq!(within(known.clone(), call).await.as_deref(), Some("a trace"));
        waited(Duration::from_secs(1));
        assert_eq!((known.waited(), current()), (7, None));
    }
}
