//! Writers, sessions that kill them, and unrelated transactions.

use super::check::{Committed, Findings, check};
use super::collector::Collector;
use super::writer::{Finisher, Pace, Writer, WriterReport, random};
use crate::support::{database, number, run};
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns as _, Database, Sql, rows};
use groundplan_chassis::settings::Secret;
use groundplan_eventlog::Cursor;
use groundplan_testkit::TestDatabase;
use rand::RngExt as _;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The maximum delay of delivery.
const MAX_DELAY: Duration = Duration::from_secs(2);

/// The log's database and another database on the same server.
pub(crate) struct Setup {
    test: TestDatabase,
    other: TestDatabase,
    database: Database,
    /// After the positions that are reserved for the old partition.
    pub(crate) start: Cursor,
}

/// The result of a run.
pub(crate) struct Report {
    pub(crate) findings: Vec<(&'static str, Findings)>,
    /// Per subject, the fraction of the events committed `MAX_DELAY` before the end of the unrelated transactions that was
    /// delivered by then.
    pub(crate) delivered_meanwhile: Vec<(&'static str, f64)>,
    pub(crate) slowest_statement: Duration,
    writers: WriterReport,
}

impl Setup {
    pub(crate) async fn new() -> Self {
        let (test, other) = (TestDatabase::new().await, TestDatabase::new().await);
        let database = database(&test.url()).await;
        let mut connection = database.dedicated().await.unwrap();
        let sql = "CREATE TABLE truth (key text PRIMARY KEY, writer int, number int, first int, size int); \
                   CREATE TABLE changes (key text); CREATE TABLE strangers (id int)";
        run(&mut connection, sql).await;
        // The positions of the old partition.
        let drawn = number(&mut connection, "SELECT max(nextval('events_position')) FROM generate_series(1, 5)").await;
        Self { test, other, database, start: Cursor::after(drawn) }
    }

    pub(crate) fn url(&self) -> Secret {
        self.test.url()
    }

    pub(crate) async fn connection(&self) -> AsyncPgConnection {
        self.database.dedicated().await.unwrap()
    }

    /// Runs writers for a duration, and `meanwhile` after a third of it.
    pub(crate) async fn torture(
        &self,
        (pace, duration): (Pace, Duration),
        mut collectors: Vec<Collector>,
        meanwhile: impl AsyncFnOnce(&mut Vec<Collector>),
    ) -> Report {
        let unrelated = self.unrelated_transactions().await;
        let stop = CancellationToken::new();
        let finisher = Finisher::new(self.connection().await);
        let mut writers = JoinSet::new();
        for number in 0..pace.writers {
            writers.spawn(Writer::new(number, pace, self.database.clone(), finisher.clone()).write(stop.clone()));
        }
        let killer = tokio::spawn(kill(self.connection().await, stop.clone()));
        sleep(duration / 3).await;
        meanwhile(&mut collectors).await;
        sleep((duration * 2 / 3).saturating_sub(MAX_DELAY)).await;
        let before: HashSet<String> = self.committed().await.into_keys().collect();
        sleep(MAX_DELAY).await;
        let delivered_meanwhile =
            collectors.iter().map(|collector| (collector.name, collector.share(&before))).collect();
        stop.cancel();
        let mut report = WriterReport::default();
        while let Some(writer) = writers.join_next().await {
            report.add(&writer.unwrap());
        }
        killer.await.unwrap();
        finisher.finish_all().await;
        drop(unrelated);
        let truth = self.committed().await;
        let mut findings = Vec::new();
        for collector in collectors {
            let name = collector.name;
            findings.push((name, check(&truth, &collector.end(truth.len()).await)));
        }
        Report { findings, delivered_meanwhile, slowest_statement: report.slowest_statement, writers: report }
    }

    /// Opens transactions that write to other tables, here and in the other database.
    async fn unrelated_transactions(&self) -> [AsyncPgConnection; 2] {
        let (mut here, mut there) = (self.connection().await, self.other.connect().await);
        run(&mut here, "BEGIN; INSERT INTO strangers VALUES (1)").await;
        run(&mut there, "CREATE TABLE strangers (id int); BEGIN; INSERT INTO strangers VALUES (1)").await;
        [here, there]
    }

    /// Returns the events committed so far, by key.
    async fn committed(&self) -> HashMap<String, Committed> {
        let sql = Sql::new("SELECT key, writer, number, first, size FROM truth");
        let rows = rows(&mut self.connection().await, &sql, &[]).await.unwrap();
        let entry = |row: &groundplan_chassis::database::PgRow| {
            let [writer, number, first, size] = [1, 2, 3, 4].map(|at| row.i32(at).unwrap().unwrap());
            (row.text(0).unwrap().unwrap(), Committed { writer, number, first, size })
        };
        rows.iter().map(entry).collect()
    }
}

/// Terminates writers in the middle of their transactions.
async fn kill(mut connection: AsyncPgConnection, stop: CancellationToken) {
    let mut random = random(-1);
    while !stop.is_cancelled() {
        let pause = random.random_range(50..250);
        sleep(Duration::from_millis(pause)).await;
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity \
                   WHERE datname = current_database() AND application_name = 'writer' AND xact_start IS NOT NULL \
                   ORDER BY random() LIMIT 1) writer";
        number(&mut connection, sql).await;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, findings) in &self.findings {
            writeln!(formatter, "{name}: {findings}")?;
        }
        for (name, share) in &self.delivered_meanwhile {
            writeln!(
                formatter,
                "{name}: {:.1} % of the events committed 2 s before were delivered while unrelated transactions were open",
                share * 100.0
            )?;
        }
        write!(formatter, "{:?}", self.writers)
    }
}
