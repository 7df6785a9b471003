//! The context of the call that a task serves: its name, and how its time was spent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

tokio::task_local! {
    static CONTEXT: Arc<CallContext>;
}

/// The context of one call. Time in tasks that the call spawns is not counted.
#[derive(Debug, Default)]
pub struct CallContext {
    /// The trace id, or the request id if there is no trace.
    pub name: String,
    /// A statement that takes longer is slow.
    slow: Duration,
    /// The time spent waiting for database connections, in microseconds.
    waited: AtomicU64,
    /// The time spent in statements, in microseconds.
    ran: AtomicU64,
    /// The slowest statement, if it was slow.
    slowest: Mutex<Option<SlowStatement>>,
}

/// A slow statement, without its values.
#[derive(Clone, Debug)]
pub struct SlowStatement {
    pub text: String,
    pub took: Duration,
    /// PostgreSQL's plan of it, if one was requested.
    pub plan: Option<String>,
}

impl CallContext {
    /// Creates the context of a new call. Statements that take longer than `slow` are recorded with their text.
    pub fn new(name: String, slow: Duration) -> Arc<Self> {
        Arc::new(Self { name, slow, ..Self::default() })
    }

    /// Returns the time spent waiting for database connections.
    pub fn waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }

    /// Returns the time spent in statements, including the round trips to the database.
    pub fn ran(&self) -> Duration {
        Duration::from_micros(self.ran.load(Ordering::Relaxed))
    }

    /// Returns the slowest statement, if it was slow.
    pub fn slowest(&self) -> Option<SlowStatement> {
        self.slowest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs a call in its context.
pub fn scope<F: Future>(context: Arc<CallContext>, call: F) -> impl Future<Output = F::Output> {
    CONTEXT.scope(context, call)
}

/// Returns the name of the current call; none outside of calls.
pub fn name() -> Option<String> {
    CONTEXT.try_with(|context| context.name.clone()).ok()
}

/// Adds time that the call has spent waiting for a connection.
pub fn add_wait(time: Duration) {
    // Outside of calls there is nothing to add to.
    let _ = CONTEXT.try_with(|context| add(&context.waited, time));
}

/// Adds the time of a statement of the call. Returns whether it was slow.
pub fn add_statement(time: Duration) -> bool {
    let is_slow = CONTEXT.try_with(|context| {
        add(&context.ran, time);
        time > context.slow
    });
    is_slow.unwrap_or(false)
}

/// Records a slow statement if it is the call's slowest.
pub fn remember_statement(statement: SlowStatement) {
    let _ = CONTEXT.try_with(|context| {
        let mut slowest = context.slowest.lock().unwrap_or_else(PoisonError::into_inner);
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
    use super::{CallContext, SlowStatement, add_statement, add_wait, name, remember_statement, scope};
    use std::time::Duration;

    #[tokio::test]
    async fn time_is_counted_for_the_call_that_spends_it() {
        let context = CallContext::new("a trace".to_owned(), Duration::from_millis(2));
        let call = async {
            add_wait(Duration::from_micros(3));
            add_wait(Duration::from_micros(4));
            assert!(!add_statement(Duration::from_millis(2)) && add_statement(Duration::from_millis(3)));
            for took in [3, 9, 5] {
                remember_statement(SlowStatement {
                    text: format!("SELECT {took}"),
                    took: Duration::from_secs(took),
                    plan: None,
                });
            }
            name()
        };
        assert_eq!(scope(context.clone(), call).await.as_deref(), Some("a trace"));
        add_wait(Duration::from_secs(1));
        assert!(!add_statement(Duration::from_secs(9)), "outside of calls nothing is slow");
        assert_eq!(
            (context.waited(), context.ran(), name()),
            (Duration::from_micros(7), Duration::from_millis(5), None)
        );
        assert_eq!(context.slowest().unwrap().text, "SELECT 9");
    }
}
