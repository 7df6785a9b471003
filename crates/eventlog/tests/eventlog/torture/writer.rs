//! A writer that uses all kinds of transactions. Each transaction records its events in the table `truth`, which therefore
//! has the committed events.

use crate::support::event;
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use groundplan_chassis::database::{Bind, Columns as _, Database, Sql, execute, rows};
use groundplan_eventlog::{NewEvent, append, append_after_change};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Statistics of writers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WriterReport {
    transactions: u32,
    prepared: u32,
    killed: u32,
    /// The duration of the slowest statement.
    pub(crate) slowest_statement: Duration,
}

impl WriterReport {
    pub(crate) fn add(&mut self, other: &Self) {
        self.transactions += other.transactions;
        self.prepared += other.prepared;
        self.killed += other.killed;
        self.slowest_statement = self.slowest_statement.max(other.slowest_statement);
    }
}

/// The rate and size of writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) writers: i32,
    /// Whether writers pause, so that their transactions overlap for long.
    pub(crate) has_pauses: bool,
    /// The maximum number of events of an append, and the maximum size of an event in bytes.
    pub(crate) largest: (i32, usize),
}

/// Returns a reproducible random generator for a writer; `GROUNDPLAN_SEED` changes the seed.
#[expect(clippy::disallowed_methods, reason = "it configures tests, not the program")]
pub(crate) fn random(writer: i32) -> StdRng {
    let seed: u32 = std::env::var("GROUNDPLAN_SEED").map_or(1, |text| text.parse().expect("a number is the seed"));
    StdRng::seed_from_u64((u64::from(seed) << 32) | u64::from(writer.cast_unsigned()))
}

/// The maximum number of concurrent prepared transactions. The server allows 32, and kills leave some of them open for a moment.
const PREPARED: usize = 24;

/// Finishes prepared transactions on its own connection.
#[derive(Clone)]
pub(crate) struct Finisher {
    connection: Arc<Mutex<AsyncPgConnection>>,
    permits: Arc<Semaphore>,
}

impl Finisher {
    pub(crate) fn new(connection: AsyncPgConnection) -> Self {
        Self { connection: Arc::new(Mutex::new(connection)), permits: Arc::new(Semaphore::new(PREPARED)) }
    }

    /// Finishes a transaction that might not exist because its writer was killed.
    async fn finish_if_exists(&self, name: &str, commits: bool) {
        let sql = Sql::once(&format!(
            "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND gid = '{name}'"
        ));
        let rows = rows(&mut *self.connection.lock().await, &sql, &[]).await.unwrap();
        if !rows.is_empty() {
            self.finish(name, commits).await;
        }
    }

    /// Commits or rolls back a prepared transaction.
    async fn finish(&self, name: &str, commits: bool) {
        let verb = if commits { "COMMIT" } else { "ROLLBACK" };
        self.connection.lock().await.batch_execute(&format!("{verb} PREPARED '{name}'")).await.unwrap();
    }

    /// Commits all remaining prepared transactions.
    pub(crate) async fn finish_all(&self) {
        let sql = Sql::new("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()");
        let rows = rows(&mut *self.connection.lock().await, &sql, &[]).await.unwrap();
        for row in rows {
            self.finish(&row.text(0).unwrap().unwrap(), true).await;
        }
    }
}

pub(crate) struct Writer {
    writer: i32,
    pace: Pace,
    random: StdRng,
    /// The number of the next event. Numbers are never reused, even if their transaction is rolled back.
    next: i32,
    database: Database,
    finisher: Finisher,
    finishing: JoinSet<()>,
    report: WriterReport,
}

impl Writer {
    pub(crate) fn new(writer: i32, pace: Pace, database: Database, finisher: Finisher) -> Self {
        let (finishing, report) = (JoinSet::new(), WriterReport::default());
        Self { writer, pace, random: random(writer), next: 0, database, finisher, finishing, report }
    }

    /// Writes until `stop` is cancelled.
    pub(crate) async fn write(mut self, stop: CancellationToken) -> WriterReport {
        while !stop.is_cancelled() {
            let mut connection = self.database.dedicated().await.unwrap();
            let result = self.write_on(&mut connection, &stop).await;
            let Err(error) = result else { continue };
            assert!(is_killed(&error), "a writer failed: {error:?}");
            self.report.killed += 1;
        }
        while let Some(finished) = self.finishing.join_next().await {
            finished.unwrap();
        }
        self.report
    }

    async fn write_on(&mut self, connection: &mut AsyncPgConnection, stop: &CancellationToken) -> QueryResult<()> {
        self.run(connection, "SET application_name = 'writer'").await?;
        while !stop.is_cancelled() {
            self.report.transactions += 1;
            self.run(connection, "BEGIN").await?;
            let kind = self.random.random_range(0..10);
            match kind {
                0..=3 => {
                    self.append_after_change(connection).await?;
                    self.end(connection, "COMMIT").await?;
                }
                4..=5 => {
                    self.append(connection).await?;
                    self.end(connection, "COMMIT").await?;
                }
                6 => {
                    self.append(connection).await?;
                    self.end(connection, "ROLLBACK").await?;
                }
                7..=8 => {
                    self.run(connection, "SAVEPOINT before").await?;
                    self.append(connection).await?;
                    self.end(connection, "ROLLBACK TO before").await?;
                    self.append_after_change(connection).await?;
                    self.end(connection, "COMMIT").await?;
                }
                _ => {
                    self.append(connection).await?;
                    match self.finisher.permits.clone().try_acquire_owned() {
                        Ok(permit) => self.prepare(connection, permit).await?,
                        Err(_full) => self.end(connection, "COMMIT").await?,
                    }
                }
            }
            self.pause(5).await;
        }
        Ok(())
    }

    /// Prepares the transaction and schedules its end; holds `permit` until then.
    async fn prepare(&mut self, connection: &mut AsyncPgConnection, permit: OwnedSemaphorePermit) -> QueryResult<()> {
        // Names are global to the server, which other tests share.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", self.writer, COUNT.fetch_add(1, Ordering::Relaxed));
        let result = self.end(connection, &format!("PREPARE TRANSACTION '{name}'")).await;
        let (finisher, is_prepared) = (self.finisher.clone(), result.is_ok());
        self.report.prepared += u32::from(is_prepared);
        let (wait, commits) = (Duration::from_micros(self.random.random_range(0..=300_000)), self.random.random());
        self.finishing.spawn(async move {
            sleep(wait).await;
            if is_prepared {
                finisher.finish(&name, commits).await
            } else {
                finisher.finish_if_exists(&name, commits).await
            }
            drop(permit);
        });
        result
    }

    async fn append_after_change(&mut self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        let new = self.record(connection, 1).await?.remove(0);
        let mut binds = vec![Bind::text(&new.key)];
        binds.extend(new.into_binds());
        let sql = append_after_change("INSERT INTO changes (key) VALUES (?::text)");
        let began = Instant::now();
        let changed = execute(connection, &sql, &binds).await?;
        self.record_duration(began);
        assert_eq!(changed, 1, "the change's count");
        Ok(())
    }

    async fn append(&mut self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        let size = self.random.random_range(1..=self.pace.largest.0);
        let new = self.record(connection, size).await?;
        let began = Instant::now();
        append(connection, &new).await?;
        self.record_duration(began);
        Ok(())
    }

    /// Records the next events in `truth` and returns them.
    async fn record(&mut self, connection: &mut AsyncPgConnection, size: i32) -> QueryResult<Vec<NewEvent>> {
        let (writer, first) = (self.writer, self.next);
        self.next += size;
        let sql = format!(
            "INSERT INTO truth SELECT '{writer}-' || n, {writer}, n, {first}, {size} FROM generate_series({first}, {}) n",
            self.next - 1
        );
        self.run(connection, &sql).await?;
        let (random, largest) = (&mut self.random, self.pace.largest.1);
        let new = |number| {
            let mut payload = vec![0; random.random_range(0..largest)];
            random.fill_bytes(&mut payload);
            NewEvent { payload: payload.into(), ..event(&format!("{writer}-{number}")) }
        };
        Ok((first..self.next).map(new).collect())
    }

    /// Runs a statement that ends the transaction, after a pause in which others continue.
    async fn end(&mut self, connection: &mut AsyncPgConnection, sql: &str) -> QueryResult<()> {
        self.pause(20).await;
        self.run(connection, sql).await
    }

    /// Sleeps for up to `longest` milliseconds, if writers pause.
    async fn pause(&mut self, longest: u64) {
        if self.pace.has_pauses {
            sleep(Duration::from_micros(self.random.random_range(0..=longest * 1_000))).await;
        }
    }

    async fn run(&mut self, connection: &mut AsyncPgConnection, sql: &str) -> QueryResult<()> {
        let began = Instant::now();
        connection.batch_execute(sql).await?;
        self.record_duration(began);
        Ok(())
    }

    fn record_duration(&mut self, began: Instant) {
        self.report.slowest_statement = self.report.slowest_statement.max(began.elapsed());
    }
}

/// Whether an error means that the connection was terminated.
fn is_killed(error: &QueryError) -> bool {
    let QueryError::DatabaseError(kind, information) = error else { return false };
    let message = information.message();
    matches!(kind, DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection)
        || message.starts_with("terminating connection")
        || message.contains("connection closed")
}
