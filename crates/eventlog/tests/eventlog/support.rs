//! Processes that share a log, and direct access to its database.

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use groundplan_chassis::database::{Columns as _, Database, Sql, rows};
use groundplan_chassis::settings::{Secret, defaults};
use groundplan_error::Error;
use groundplan_eventlog::{Batch, Log, MIGRATIONS, NewEvent, Settings, append, follow};
use std::ops::RangeInclusive;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

pub(crate) const SCHEMA: &str = "groundplan_test";
pub(crate) const ORIGIN: &[u8] = b"a test";

/// A generous timeout for busy machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Batches = BoxStream<'static, Result<Batch, Error>>;

/// A process with the log. Its tasks stop when it is dropped.
pub(crate) struct Process {
    pub(crate) log: Log,
    _tasks: JoinSet<()>,
}

/// Connects to a database and creates the log's tables.
pub(crate) async fn database(url: &Secret) -> Database {
    let database = Database::connect(url, SCHEMA, &defaults()).await.unwrap();
    database.migrate(MIGRATIONS).await.unwrap();
    database
}

/// Starts a process with default settings.
pub(crate) async fn process(url: &Secret) -> Process {
    process_with(url, Settings::default()).await
}

pub(crate) async fn process_with(url: &Secret, settings: Settings) -> Process {
    let log = Log::open(database(url).await, settings).await.unwrap();
    let mut tasks = JoinSet::new();
    log.spawn(&mut tasks, &CancellationToken::new());
    Process { log, _tasks: tasks }
}

/// Returns an event with a key.
pub(crate) fn event(key: &str) -> NewEvent {
    NewEvent {
        tenant: "t".into(),
        topic: "test".into(),
        key: key.into(),
        kind: 1,
        payload: b"payload".as_slice().into(),
    }
}

impl Process {
    /// Opens a dedicated connection.
    pub(crate) async fn connection(&self) -> AsyncPgConnection {
        self.log.database().dedicated().await.unwrap()
    }

    /// Appends an event for each key, and notifies the log.
    pub(crate) async fn append(&self, keys: &[&str]) {
        let mut connection = self.connection().await;
        let events: Vec<NewEvent> = keys.iter().map(|key| event(key)).collect();
        append(&mut connection, &events).await.unwrap();
        self.log.appended();
    }

    /// Follows after a token, or from now on; returns the token of the start.
    pub(crate) async fn follow(&self, token: &str) -> Result<(Batches, String), Error> {
        let mut batches = follow(self.log.clone(), ORIGIN, token.to_owned(), CancellationToken::new()).boxed();
        let first = next(&mut batches).await?;
        assert!(first.events.is_empty(), "the first message only has the token of the start");
        Ok((batches, first.token))
    }
}

/// Returns the next batch.
pub(crate) async fn next(batches: &mut Batches) -> Result<Batch, Error> {
    timeout(PATIENCE, batches.next()).await.expect("a batch arrives").expect("a log never ends")
}

/// Receives at least `count` events; returns their keys and the last token.
pub(crate) async fn keys(batches: &mut Batches, count: usize) -> (Vec<String>, String) {
    let (mut keys, mut token) = (Vec::new(), String::new());
    while keys.len() < count {
        let batch = next(batches).await.unwrap();
        keys.extend(batch.events.iter().map(|event| event.key.clone()));
        token = batch.token;
    }
    (keys, token)
}

/// Runs statements.
pub(crate) async fn run(connection: &mut AsyncPgConnection, sql: &str) {
    connection.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Returns the `bigint` result of a query.
pub(crate) async fn number(connection: &mut AsyncPgConnection, sql: &str) -> i64 {
    let rows = rows(connection, &Sql::once(sql), &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows[0].i64(0).unwrap().unwrap_or_default()
}

/// Waits until a query returns a number.
pub(crate) async fn until(connection: &mut AsyncPgConnection, sql: &str, expected: i64) {
    let end = Instant::now() + PATIENCE;
    loop {
        let actual = number(connection, sql).await;
        if actual == expected {
            return;
        }
        assert!(Instant::now() < end, "{sql} returns {actual}, not {expected}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Terminates the connections of the tails.
pub(crate) async fn kill_readers(connection: &mut AsyncPgConnection) {
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
               AND query LIKE 'SELECT position, part, is_last%' AND pid <> pg_backend_pid()";
    assert!(number(connection, sql).await > 0, "there is a tail");
}

/// Attaches a partition of the day that started `days` days ago, with an event for each of the positions.
pub(crate) async fn attach_old(
    connection: &mut AsyncPgConnection,
    name: &str,
    days: i32,
    positions: RangeInclusive<i64>,
) {
    let sql = format!(
        "CREATE TABLE {name} (LIKE events INCLUDING DEFAULTS); \
         INSERT INTO {name} (position, part, is_last, appended_at, tenant, topic, key, kind, payload) \
         SELECT n, 0, true, now() - interval '{days} days' + interval '12 hours', '', 'test', 'old', 1, '' \
         FROM generate_series({}, {}) n; \
         ALTER TABLE events ATTACH PARTITION {name} \
         FOR VALUES FROM (now() - interval '{days} days') TO (now() - interval '{} days')",
        positions.start(),
        positions.end(),
        days - 1
    );
    run(connection, &sql).await;
}
