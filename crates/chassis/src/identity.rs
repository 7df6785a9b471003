//! What is known of the call that runs, wherever it is: its name for its caller and the log, and how its time was spent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

tokio::task_local! {
    static KNOWN: Arc<Known>;
}

/// What is known of a call. Of its tasks of their own no time is counted.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Its trace, or its request id where there is no trace.
    pub(crate) name: String,
    /// What takes longer is slow.
    slow: Duration,
    /// How long it has waited for connections to the database, in microseconds.
    waited: AtomicU64,
    /// How long its statements have run, in microseconds.
    ran: AtomicU64,
    /// The slowest statement, if it was slow.
    slowest: Mutex<Option<SlowStatement>>,
}

/// A statement that took long, without its values.
#[derive(Clone, Debug)]
pub(crate) struct SlowStatement {
    pub(crate) text: String,
    pub(crate) took: Duration,
    /// How PostgreSQL would run it again, if it was asked.
    pub(crate) plan: Option<String>,
}

impl Known {
    /// A call that begins. What takes longer than `slow` is remembered in words.
    pub(crate) fn by(name: String, slow: Duration) -> Arc<Self> {
        Arc::new(Self { name, slow, ..Self::default() })
    }

    /// How long it has waited for connections to the database.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }

    /// How long its statements have run, their way to the database and back included.
    pub(crate) fn ran(&self) -> Duration {
        Duration::from_micros(self.ran.load(Ordering::Relaxed))
    }

    /// The slowest of its statements, if it took longer than what is slow.
    pub(crate) fn slowest(&self) -> Option<SlowStatement> {
        self.slowest.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
    // Outside of calls nobody asks.
    let _ = KNOWN.try_with(|known| add(&known.waited, time));
}

/// Notes that a statement of the call has run, and says whether it was slow.
pub(crate) fn ran(time: Duration) -> bool {
    let is_slow = KNOWN.try_with(|known| {
        add(&known.ran, time);
        time > known.slow
    });
    is_slow.unwrap_or(false)
}

/// Keeps a slow statement, if it is the call's slowest.
pub(crate) fn remember(statement: SlowStatement) {
    let _ = KNOWN.try_with(|known| {
        let mut slowest = known.slowest.lock().unwrap_or_else(PoisonError::into_inner);
        if slowest.as_ref().is_none_or(|before| before.took < statement.took) {
            *slowest = Some(statement);
        }
    });
}

fn add(total: &AtomicU64, time: Duration) {
    total.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::{Known, SlowStatement, current, ran, remember, waited, within};
    use std::time::Duration;

    #[tokio::test]
    async fn what_a_call_spends_is_its_own() {
        let known = Known::by("a trace".to_owned(), Duration::from_millis(2));
        let call = async {
            waited(Duration::from_micros(3));
            waited(Duration::from_micros(4));
            assert!(!ran(Duration::from_millis(2)) && ran(Duration::from_millis(3)));
            for took in [3, 9, 5] {
                remember(SlowStatement { text: format!("SELECT {took}"), took: Duration::from_secs(took), plan: None });
            }
            current()
        };
        assert_eq!(within(known.clone(), call).await.as_deref(), Some("a trace"));
        waited(Duration::from_secs(1));
        assert!(!ran(Duration::from_secs(9)), "outside of calls nothing is slow");
        assert_eq!(
            (known.waited(), known.ran(), current()),
            (Duration::from_micros(7), Duration::from_millis(5), None)
        );
        assert_eq!(known.slowest().unwrap().text, "SELECT 9");
    }
}
