//! The session that works on the storage, and the retries while the database is unavailable.

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use groundplan_chassis::database::{Database, database_error};
use groundplan_error::Error;
use rand::RngExt;
use std::time::{Duration, Instant};

/// The longest time that the database can be unavailable.
const MAX_OUTAGE: Duration = Duration::from_secs(60);

/// The pause before the second attempt; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);

const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The build of an index takes long, and waits for all older transactions.
const TIMEOUTS: &str = "SET statement_timeout = 0; SET lock_timeout = '15min'";

/// Selects the messages that [`super::transaction`] recognizes. Only superusers and grantees can set this.
const ENGLISH: &str = "SET lc_messages = 'C'";

/// Opens a session outside of the pool, so that its locks and settings end with it.
///
/// # Errors
/// `DATABASE_UNAVAILABLE`.
pub(super) async fn open(database: &Database) -> Result<AsyncPgConnection, Error> {
    let mut conn = database.dedicated().await?;
    conn.batch_execute(TIMEOUTS).await.map_err(database_error)?;
    if let Err(error) = conn.batch_execute(ENGLISH).await {
        tracing::debug!(%error, "cannot select English messages of the database");
    }
    Ok(conn)
}

/// Decides when to try again, and when to give up.
pub(super) struct RetryPolicy {
    /// When the current attempt started.
    started: Instant,
    /// Since when the database is unavailable.
    down_since: Option<Instant>,
    pause: Duration,
}

impl RetryPolicy {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), down_since: None, pause: FIRST_PAUSE }
    }

    /// Starts an attempt.
    pub(super) fn start_attempt(&mut self, now: Instant) {
        self.started = now;
    }

    /// Reports whether the attempt that just failed was the last one.
    pub(super) fn is_exhausted(&mut self, now: Instant) -> bool {
        // During a long attempt the database was available.
        if now.duration_since(self.started) > MAX_OUTAGE {
            (self.down_since, self.pause) = (None, FIRST_PAUSE);
        }
        now.duration_since(*self.down_since.get_or_insert(now)) >= MAX_OUTAGE
    }

    /// Waits before the next attempt, twice as long each time.
    pub(super) async fn pause(&mut self) {
        let jitter = rand::rng().random_range(0.5..1.5);
        tokio::time::sleep(self.pause.mul_f64(jitter)).await;
        self.pause = (self.pause * 2).min(MAX_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_end_after_an_outage_of_a_minute() {
        let (mut policy, start) = (RetryPolicy::new(), Instant::now());
        let mut is_last = |started: u64, ended: u64| {
            policy.start_attempt(start + Duration::from_secs(started));
            policy.is_exhausted(start + Duration::from_secs(ended))
        };
        assert!(!is_last(0, 5), "the first");
        assert!(!is_last(50, 55));
        // The database was available during a long attempt.
        assert!(!is_last(60, 500));
        assert!(!is_last(550, 559));
        assert!(is_last(558, 560));
    }
}
