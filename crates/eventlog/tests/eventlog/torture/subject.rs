//! The subjects of the torture test.

use super::setup::Setup;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns as _, Sql, rows};
use groundplan_eventlog::{Cursor, Event, Log, Tail};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// A reader of the log.
pub(crate) trait Subject: Send + 'static {
    /// Returns the next events; none after a pause.
    fn next(&mut self) -> impl Future<Output = Vec<Arc<Event>>> + Send;
}

/// A tail on its own connection.
pub(crate) struct DirectTail {
    tail: Tail,
    connection: AsyncPgConnection,
}

impl DirectTail {
    pub(crate) async fn new(setup: &Setup) -> Self {
        Self { tail: Tail::new(setup.start), connection: setup.connection().await }
    }
}

impl Subject for DirectTail {
    async fn next(&mut self) -> Vec<Arc<Event>> {
        let step = self.tail.step(&mut self.connection).await.unwrap();
        if !step.is_full {
            sleep(Duration::from_millis(2)).await;
        }
        step.events.into_iter().map(Arc::new).collect()
    }
}

/// A follower of a process's log.
pub(crate) struct LogFollower {
    log: Log,
    cursor: Cursor,
}

impl LogFollower {
    pub(crate) fn new(log: Log, cursor: Cursor) -> Self {
        Self { log, cursor }
    }
}

impl Subject for LogFollower {
    async fn next(&mut self) -> Vec<Arc<Event>> {
        let mut progress = self.log.watch();
        let advanced = progress.wait_for(|progress| progress.is_some_and(|progress| progress.cursor() > self.cursor));
        if timeout(Duration::from_millis(100), advanced).await.is_err() {
            return Vec::new();
        }
        let events = self.log.read(self.cursor).await.unwrap();
        self.cursor = events.last().map_or(self.cursor, |last| last.at);
        events
    }
}

/// A poller that resumes after the last event that it has seen, without regard for gaps.
pub(crate) struct NaivePoller {
    cursor: Cursor,
    connection: AsyncPgConnection,
}

impl NaivePoller {
    pub(crate) async fn new(setup: &Setup) -> Self {
        Self { cursor: setup.start, connection: setup.connection().await }
    }
}

impl Subject for NaivePoller {
    async fn next(&mut self) -> Vec<Arc<Event>> {
        let sql = Sql::new(
            "SELECT position, part, is_last, key FROM events WHERE (position, part) > (?::bigint, ?::integer) \
             ORDER BY position, part",
        );
        let binds = [Bind::i64(self.cursor.position), Bind::i32(self.cursor.part)];
        let rows = rows(&mut self.connection, &sql, &binds).await.unwrap();
        let events = rows.iter().map(|row| {
            Arc::new(Event {
                at: Cursor { position: row.i64(0).unwrap().unwrap(), part: row.i32(1).unwrap().unwrap() },
                is_last: row.bool(2).unwrap().unwrap(),
                appended_at: 0,
                transaction: 0,
                tenant: String::new(),
                topic: String::new(),
                key: row.text(3).unwrap().unwrap(),
                kind: 1,
                payload: Default::default(),
            })
        });
        let events: Vec<Arc<Event>> = events.collect();
        self.cursor = events.last().map_or(self.cursor, |last| last.at);
        sleep(Duration::from_millis(2)).await;
        events
    }
}
