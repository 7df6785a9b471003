//! Processes that share a log, and what tests do to its database behind their backs.

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

/// How long anything may take on a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Batches = BoxStream<'static, Result<Batch, Error>>;

/// A process that has the log. Its tasks end with it.
pub(crate) struct Process {
    pub(crate) log: Log,
    _tasks: JoinSet<()>,
}

/// Connects to a database, with the log's tables.
pub(crate) async fn database(url: &Secret) -> Database {
    let database = Database::connect(url, SCHEMA, &defaults()).await.unwrap();
    database.migrate(MIGRATIONS).await.unwrap();
    database
}

/// Starts a process.
pub(crate) async fn process(url: &Secret) -> Process {
    process_with(url, Settings::default()).await
}

pub(crate) async fn process_with(url: &Secret, settings: Settings) -> Process {
    let log = Log::open(database(url).await, settings).await.unwrap();
    let mut tasks = JoinSet::new();
    log.spawn(&mut tasks, &CancellationToken::new());
    Process { log, _tasks: tasks }
}

/// An event of a key.
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
    /// A connection of the test's own.
    pub(crate) async fn connection(&self) -> AsyncPgConnection {
        self.log.database().dedicated().await.unwrap()
    }

    /// Appends an event for each key, and says so.
    pub(crate) async fn append(&self, keys: &[&str]) {
        let mut connection = self.connection().await;
        let events: Vec<NewEvent> = keys.iter().map(|key| event(key)).collect();
        append(&mut connection, &events).await.unwrap();
        self.log.appended();
    }

    /// Follows from a token, or from now on, and gives where it begins.
    pub(crate) async fn follow(&self, token: &str) -> Result<(Batches, String), Error> {
        let mut batches = follow(self.log.clone(), ORIGIN, token.to_owned(), CancellationToken::new()).boxed();
        let first = next(&mut batches).await?;
        assert!(first.events.is_empty(), "the first message says where it begins");
        Ok((batches, first.token))
    }
}

/// The next batch.
pub(crate) async fn next(batches: &mut Batches) -> Result<Batch, Error> {
    timeout(PATIENCE, batches.next()).await.expect("a batch comes").expect("a log has no end")
}

/// The keys of what comes next, one by one until there are as many, and the last token.
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

/// The number that a query gives, as `bigint`.
pub(crate) async fn number(connection: &mut AsyncPgConnection, sql: &str) -> i64 {
    let rows = rows(connection, &Sql::once(sql), &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows[0].i64(0).unwrap().unwrap_or_default()
}

/// Waits until a query gives a number.
pub(crate) async fn until(connection: &mut AsyncPgConnection, sql: &str, expected: i64) {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = number(connection, sql).await;
        if found == expected {
            return;
        }
        assert!(Instant::now() < end, "{sql} gives {found} and not {expected}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Ends the connections that the tails read by.
pub(crate) async fn kill_readers(connection: &mut AsyncPgConnection) {
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
               AND query LIKE 'SELECT position, part, is_last%' AND pid <> pg_backend_pid()";
    assert!(number(connection, sql).await > 0, "there is a tail");
}

/// Attaches a partition of the day that began so many days ago, with an event for each of these positions.
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
