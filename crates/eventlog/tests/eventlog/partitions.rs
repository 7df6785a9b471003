//! The partitions of the log, while it is used.

use crate::support::{PATIENCE, Process, attach_old, database, event, number, process, process_with, run};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use groundplan_eventlog::{Log, Settings, append};
use groundplan_testkit::TestDatabase;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const COUNT: &str = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass";
const LEAVING: &str = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass AND inhdetachpending";

/// Has the partitions looked after until a query gives a number.
async fn maintained(process: &Process, connection: &mut AsyncPgConnection, sql: &str, expected: i64) {
    let end = Instant::now() + PATIENCE;
    while number(connection, sql).await != expected {
        assert!(Instant::now() < end, "{sql} does not become {expected}");
        process.log.partition_missing();
        sleep(Duration::from_millis(50)).await;
    }
}

fn is_there(name: &str) -> String {
    format!("SELECT count(*) FROM pg_class WHERE relname = '{name}'")
}

/// A process with a log whose first positions belong to what is old.
async fn process_with_a_past(test: &TestDatabase) -> (Process, AsyncPgConnection) {
    let process = process(&test.url()).await;
    let mut connection = process.connection().await;
    number(&mut connection, "SELECT max(nextval('events_position')) FROM generate_series(1, 5)").await;
    process.log.ready().await.unwrap();
    (process, connection)
}

#[tokio::test]
async fn they_are_made_ahead_of_time() {
    let test = TestDatabase::new().await;
    let process =
        process_with(&test.url(), Settings { retention: Duration::from_secs(12 * 3_600), ..Settings::default() }).await;
    let mut connection = process.connection().await;
    let count = number(&mut connection, COUNT).await;
    assert!((4..=5).contains(&count), "{count}");
    // A third of a day from now is too far, two and a half hours are not.
    let at = |hours: &str| {
        format!(
            "INSERT INTO events (position, part, is_last, appended_at, tenant, topic, key, kind, payload) \
             VALUES (nextval('events_position'), 0, true, now() + interval '{hours} hours', '', '', '', 1, '')"
        )
    };
    run(&mut connection, &at("2.5")).await;
    connection.batch_execute(&at("8")).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_at_once_do_not_meet() {
    let test = TestDatabase::new().await;
    let databases = [database(&test.url()).await, database(&test.url()).await, database(&test.url()).await];
    let starts = databases.map(|database| {
        tokio::spawn(async move {
            let log = Log::open(database, Settings::default()).await.unwrap();
            append(&mut log.database().dedicated().await.unwrap(), &[event("a")]).await.unwrap();
        })
    });
    for start in starts {
        start.await.unwrap();
    }
    assert_eq!(number(&mut process(&test.url()).await.connection().await, "SELECT count(*) FROM event_log").await, 1);
}

#[tokio::test]
async fn an_append_that_finds_none_has_them_made() {
    let test = TestDatabase::new().await;
    let process = process(&test.url()).await;
    let mut connection = process.connection().await;
    let drop_all = "DO $$ DECLARE partition regclass; BEGIN \
                    FOR partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'events'::regclass \
                    LOOP EXECUTE 'DROP TABLE ' || partition; END LOOP; END $$";
    // In one transaction: the process may look after its log at any moment, and would make them before the append.
    run(&mut connection, "BEGIN").await;
    run(&mut connection, drop_all).await;
    run(&mut connection, "SAVEPOINT dropped").await;
    let refused = append(&mut connection, &[event("a")]).await.unwrap_err();
    assert!(refused.to_string().contains("no partition of relation \"events\" found"), "{refused}");
    run(&mut connection, "ROLLBACK TO dropped").await;
    run(&mut connection, "COMMIT").await;
    process.log.partition_missing();
    crate::support::until(&mut connection, COUNT, 4).await;
    append(&mut connection, &[event("b")]).await.unwrap();
}

/// Whoever reads the log for long keeps a partition, and nothing else.
#[tokio::test]
async fn a_detach_that_did_not_end_is_brought_to_its_end() {
    let test = TestDatabase::new().await;
    let (process, mut connection) = process_with_a_past(&test).await;
    // Before the partition is there: the process may look after its log at any moment.
    let mut reader = process.connection().await;
    run(&mut reader, "BEGIN").await;
    number(&mut reader, "SELECT count(*) FROM events").await;
    attach_old(&mut connection, "events_old", 10, 1..=5).await;
    maintained(&process, &mut connection, LEAVING, 1).await;
    // Maintenance comes again and again, and waits for its lock; an append does not.
    run(&mut connection, "SET lock_timeout = '1s'").await;
    for at in 0..30 {
        process.log.partition_missing();
        append(&mut connection, &[event(&at.to_string())]).await.unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    let late = process_with(&test.url(), Settings::default()).await;
    late.log.ready().await.unwrap();
    assert_eq!(number(&mut connection, &is_there("events_old")).await, 1);
    run(&mut reader, "COMMIT").await;
    maintained(&process, &mut connection, &is_there("events_old"), 0).await;
    assert_eq!(number(&mut connection, "SELECT dropped_through FROM event_log").await, 5);
}

#[tokio::test]
async fn a_detach_that_somebody_else_has_begun_is_brought_to_its_end() {
    let test = TestDatabase::new().await;
    let (process, mut connection) = process_with_a_past(&test).await;
    let mut reader = process.connection().await;
    let mut other = process.connection().await;
    run(&mut reader, "BEGIN").await;
    number(&mut reader, "SELECT count(*) FROM events").await;
    attach_old(&mut connection, "events_old", 2, 1..=5).await;
    run(&mut other, "SET statement_timeout = '200ms'").await;
    other.batch_execute("ALTER TABLE events DETACH PARTITION events_old CONCURRENTLY").await.unwrap_err();
    assert_eq!(number(&mut connection, LEAVING).await, 1);
    // PostgreSQL lets one leave at a time.
    attach_old(&mut connection, "events_older", 10, 1..=2).await;
    run(&mut reader, "COMMIT").await;
    maintained(&process, &mut connection, &is_there("events_old"), 0).await;
    maintained(&process, &mut connection, &is_there("events_older"), 0).await;
}

#[tokio::test]
async fn what_a_consumer_has_not_read_is_kept() {
    let test = TestDatabase::new().await;
    let (process, mut connection) = process_with_a_past(&test).await;
    run(&mut connection, "INSERT INTO event_consumers (name, position) VALUES ('slow', 2)").await;
    attach_old(&mut connection, "events_read", 10, 1..=2).await;
    attach_old(&mut connection, "events_unread", 9, 3..=5).await;
    maintained(&process, &mut connection, &is_there("events_read"), 0).await;
    for _ in 0..5 {
        process.log.partition_missing();
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(number(&mut connection, &is_there("events_unread")).await, 1);
    assert_eq!(number(&mut connection, "SELECT dropped_through FROM event_log").await, 2);
    run(&mut connection, "UPDATE event_consumers SET position = 5").await;
    maintained(&process, &mut connection, &is_there("events_unread"), 0).await;
}

#[tokio::test]
async fn what_was_detached_and_not_dropped_is_dropped_later() {
    let test = TestDatabase::new().await;
    let (process, mut connection) = process_with_a_past(&test).await;
    run(
        &mut connection,
        "CREATE TABLE events_from_86400 (LIKE events); CREATE TABLE events_from_9999999999 (LIKE events)",
    )
    .await;
    maintained(&process, &mut connection, &is_there("events_from_86400"), 0).await;
    assert_eq!(number(&mut connection, &is_there("events_from_9999999999")).await, 1, "it is not old");
}
