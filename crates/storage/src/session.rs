//! The session that works on the storage, and how long it is tried to have one.

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use groundplan_chassis::database::{Database, database_error};
use groundplan_error::Error;
use rand::RngExt;
use std::time::{Duration, Instant};

/// How long the database may be away.
const LONGEST_BREAK: Duration = Duration::from_secs(60);

/// The pause before the second attempt; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);

const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The build of an index takes its time, and waits for all transactions that are older.
const TIMEOUTS: &str = "SET statement_timeout = 0; SET lock_timeout = '15min'";

/// Makes PostgreSQL's messages those that [`super::run`] knows. Only a superuser, or who was granted it, may do so.
const ENGLISH: &str = "SET lc_messages = 'C'";

/// Opens a session outside of the pool: its locks and settings end with it.
pub(super) async fn open(database: &Database) -> Result<AsyncPgConnection, Error> {
    let mut conn = database.dedicated().await?;
    conn.batch_execute(TIMEOUTS).await.map_err(database_error)?;
    if let Err(error) = conn.batch_execute(ENGLISH).await {
        tracing::debug!(%error, "the language of the database's messages stays as it is");
    }
    Ok(conn)
}

/// When to try again, and when no more.
pub(super) struct Patience {
    /// When the attempt began, of which nothing is known yet.
    began: Instant,
    /// Since when the database does not answer.
    away: Option<Instant>,
    pause: Duration,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), away: None, pause: FIRST_PAUSE }
    }

    /// An attempt begins.
    pub(super) fn attempt(&mut self, now: Instant) {
        self.began = now;
    }

    /// Whether the attempt that has just failed was the last one.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        // An attempt that took long had a database to work on.
        if now.duration_since(self.began) > LONGEST_BREAK {
            (self.away, self.pause) = (None, FIRST_PAUSE);
        }
        now.duration_since(*self.away.get_or_insert(now)) >= LONGEST_BREAK
    }

    /// Waits before the next attempt, twice as long each time.
    pub(super) async fn rest(&mut self) {
        let jitter = rand::rng().random_range(0.5..1.5);
        tokio::time::sleep(self.pause.mul_f64(jitter)).await;
        self.pause = (self.pause * 2).min(MAX_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_may_be_away_for_a_minute() {
        let (mut patience, start) = (Patience::new(), Instant::now());
        let mut fails = |began: u64, ended: u64| {
            patience.attempt(start + Duration::from_secs(began));
            patience.is_over(start + Duration::from_secs(ended))
        };
        assert!(!fails(0, 5), "the first");
        assert!(!fails(50, 55));
        // What worked for long was not away all that time.
        assert!(!fails(60, 500));
        assert!(!fails(550, 559));
        assert!(fails(558, 560));
    }
}
