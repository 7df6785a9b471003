//! The single reader of a process: tails the log and puts new events into the ring, for all followers.

use crate::Cursor;
use crate::epoch::Server;
use crate::log::{Log, Progress};
use crate::resume::{PositionContext, ResumePoint};
use crate::status::now;
use crate::tail::{Step, Tail};
use crate::watermark::newest;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns as _, Sql, database_error, rows};
use groundplan_error::Error;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::time::sleep;

/// The pause between two reads while events arrive, so that several are read together.
const PAUSE: Duration = Duration::from_millis(2);

/// The longest pause between two checks of a gap.
const LONGEST_GAP_PAUSE: Duration = Duration::from_millis(50);

/// The pause before reconnecting to the database; it doubles.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// A longer gap is logged; in microseconds.
const LONG_GAP: i64 = 10_000_000;

/// Tails the log permanently.
pub(crate) async fn tail_log(log: Log) {
    let mut pause = FIRST_BACKOFF;
    loop {
        let Err(error) = tail_until_disconnected(&log, &mut pause).await;
        tracing::warn!(error = error.log_text(), ?pause, "cannot read the event log; retrying");
        sleep(pause.mul_f64(rand::random::<f64>() + 0.5)).await;
        pause = (pause * 2).min(LONGEST_BACKOFF);
    }
}

/// Tails the log until the connection is lost. The connection is dedicated, because a watermark is only valid while the server
/// runs.
async fn tail_until_disconnected(log: &Log, pause: &mut Duration) -> Result<std::convert::Infallible, Error> {
    let mut connection = log.database().dedicated().await?;
    let connection = &mut connection;
    let server = Server::identify(connection).await.map_err(database_error)?;
    let mut tail = match log.progress() {
        Some(before) if before.server.epoch == server.epoch && is_in_log(connection, &before.at).await? => {
            log.reconnected(server);
            Tail::new(before.cursor())
        }
        Some(before) => {
            tracing::error!("the event log was replaced: the database was restored or failed over");
            start_at_end(log, connection, server, before.generation + 1).await?
        }
        None => start_at_end(log, connection, server, 0).await?,
    };
    *pause = FIRST_BACKOFF;
    let mut gap = Gap::default();
    loop {
        let before = tail.cursor();
        let step = tail.step(connection).await.map_err(database_error)?;
        if before.position < step.dropped_through {
            tracing::error!("the event log was not read for longer than its retention: followers must start again");
            let generation = log.progress().map_or(0, |progress| progress.generation);
            tail = start_at_end(log, connection, server, generation).await?;
            continue;
        }
        gap.record(log, connection, &step).await?;
        let has_events = !step.events.is_empty();
        let is_full = step.is_full;
        log.deliver(step.events.into_iter().map(Arc::new).collect());
        match gap.pause() {
            Some(pause) => sleep(pause).await,
            None if is_full => {}
            None if has_events => sleep(PAUSE).await,
            None => log.wait().await,
        }
    }
}

/// Whether a position belongs to the log of a connection. It can belong although its events were dropped; reading reports that.
async fn is_in_log(connection: &mut AsyncPgConnection, at: &ResumePoint) -> Result<bool, Error> {
    let position_context = PositionContext::read(connection, at.cursor).await.map_err(database_error)?;
    Ok(position_context.includes(at))
}

/// Restarts the log at its end. Followers with an earlier position get an error when they read.
async fn start_at_end(
    log: &Log,
    connection: &mut AsyncPgConnection,
    server: Server,
    generation: u64,
) -> Result<Tail, Error> {
    let tail = tail_at_end(connection).await?;
    let cursor = tail.cursor();
    let PositionContext { last_event, .. } = PositionContext::read(connection, cursor).await.map_err(database_error)?;
    log.restart(Progress { server, generation, at: ResumePoint { cursor, last_event } });
    Ok(tail)
}

/// Returns a tail that starts at the end of the log: after everything that was drawn before the call.
async fn tail_at_end(connection: &mut AsyncPgConnection) -> Result<Tail, Error> {
    let mut tail = Tail::new(Cursor::START);
    let end = newest(connection).await.map_err(database_error)?;
    while !tail.skip_to_end(connection, end).await.map_err(database_error)? {
        sleep(LONGEST_GAP_PAUSE).await;
    }
    Ok(tail)
}

/// A gap: a missing position that the tail waits for.
#[derive(Debug, Default)]
struct Gap {
    /// How many steps the gap has lasted.
    steps: u32,
    /// When the gap started, in microseconds since the Unix epoch.
    since: i64,
    is_reported: bool,
}

static OLDEST_WRITER: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT (extract(epoch FROM min(coalesce(activity.xact_start, prepared.prepared))) * 1000000)::bigint \
         FROM pg_locks held LEFT JOIN pg_stat_activity activity USING (pid) \
         LEFT JOIN pg_locks own ON own.virtualtransaction = held.virtualtransaction AND own.locktype = 'transactionid' \
           AND own.mode = 'ExclusiveLock' \
         LEFT JOIN pg_prepared_xacts prepared ON prepared.transaction = own.transactionid \
         WHERE held.locktype = 'relation' AND held.relation = 'events'::regclass AND held.mode = 'RowExclusiveLock' \
         AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
});

impl Gap {
    async fn record(&mut self, log: &Log, connection: &mut AsyncPgConnection, step: &Step) -> Result<(), Error> {
        let status = log.status();
        if !step.is_blocked {
            if self.steps > 0 {
                status.waiting_since.store(0, Ordering::Relaxed);
                status.oldest_writer.store(0, Ordering::Relaxed);
            }
            *self = Self::default();
            return Ok(());
        }
        if self.steps == 0 || !step.events.is_empty() {
            *self = Self { since: now(), ..Self::default() };
            status.waiting_since.store(self.since, Ordering::Relaxed);
        }
        self.steps = self.steps.saturating_add(1);
        // Most gaps are short and skip this query.
        if self.steps.is_multiple_of(20) {
            let rows = rows(connection, &OLDEST_WRITER, &[]).await.map_err(database_error)?;
            let oldest = rows.first().map(|row| row.i64(0)).transpose().map_err(database_error)?.flatten();
            status.oldest_writer.store(oldest.unwrap_or_default(), Ordering::Relaxed);
            status.newest.store(newest(connection).await.map_err(database_error)?, Ordering::Relaxed);
        }
        if !self.is_reported && now() - self.since > LONG_GAP {
            self.is_reported = true;
            tracing::warn!(
                "a transaction that has appended to the event log stays open; followers wait until it finishes"
            );
        }
        Ok(())
    }

    /// Returns the pause before the next step, while there is a gap.
    fn pause(&self) -> Option<Duration> {
        let doublings = self.steps.checked_sub(1)?.min(8);
        Some(Duration::from_millis(1 << doublings).min(LONGEST_GAP_PAUSE))
    }
}
