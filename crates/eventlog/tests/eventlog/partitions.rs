//! Tests of the partitions while the log is in use.

use crate::support::{PATIENCE, Process, attach_old, database, event, number, process, process_with, run};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use groundplan_eventlog::{Log, Settings, append};
use groundplan_testkit::TestDatabase;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const COUNT: &str = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass";
const DETACHING: &str = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass AND inhdetachpending";

/// Requests maintenance until a query returns a number.
async fn maintain_until(process: &Process, connection: &mut AsyncPgConnection, sql: &str, expected: i64) {
    let end = Instant::now() + PATIENCE;
    while number(connection, sql).await != expected {
        assert!(Instant::now() < end, "{sql} does not become {expected}");
        process.log.partition_missing();
        sleep(Duration::from_millis(50)).await;
    }
}

fn count_of_table(name: &str) -> String {
    format!("SELECT count(*) FROM pg_class WHERE relname = '{name}'")
}

/// Starts a process whose first five positions are reserved for old partitions.
async fn process_with_reserved_positions(test: &TestDatabase) -> (Process, AsyncPgConnection) {
    let process = process(&test.url()).await;
    let mut connection = process.connection().await;
    number(&mut connection, "SELECT max(nextval('events_position')) FROM generate_series(1, 5)").await;
    process.log.ready().await.unwrap();
    (process, connection)
}

#[tokio::test]
async fn partitions_are_created_in_advance() {
    let test = TestDatabase::new().await;
    let process =
        process_with(&test.url(), Settings { retention: Duration::from_secs(12 * 3_600), ..Settings::default() }).await;
    let mut connection = process.connection().await;
    let count = number(&mut connection, COUNT).await;
    assert!((4..=5).contains(&count), "{count}");
    // Partitions exist for 2.5 hours from now, but not for 8.
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
async fn processes_can_start_at_the_same_time() {
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
async fn an_append_without_a_partition_triggers_maintenance() {
    let test = TestDatabase::new().await;
    let process = process(&test.url()).await;
    let mut connection = process.connection().await;
    let drop_all = "DO $$ DECLARE partition regclass; BEGIN \
                    FOR partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'events'::regclass \
                    LOOP EXECUTE 'DROP TABLE ' || partition; END LOOP; END $$";
    // In one transaction, because maintenance could otherwise create partitions before the append.
    run(&mut connection, "BEGIN").await;
    run(&mut connection, drop_all).await;
    run(&mut connection, "SAVEPOINT dropped").await;
    let error = append(&mut connection, &[event("a")]).await.unwrap_err();
    assert!(error.to_string().contains("no partition of relation \"events\" found"), "{error}");
    run(&mut connection, "ROLLBACK TO dropped").await;
    run(&mut connection, "COMMIT").await;
    process.log.partition_missing();
    crate::support::until(&mut connection, COUNT, 4).await;
    append(&mut connection, &[event("b")]).await.unwrap();
}

/// A long read delays only the drop of a partition.
#[tokio::test]
async fn an_interrupted_detach_is_finished() {
    let test = TestDatabase::new().await;
    let (process, mut connection) = process_with_reserved_positions(&test).await;
    // Before the partition exists, because maintenance can run at any time.
    let mut reader = process.connection().await;
    run(&mut reader, "BEGIN").await;
    number(&mut reader, "SELECT count(*) FROM events").await;
    attach_old(&mut connection, "events_old", 10, 1..=5).await;
    maintain_until(&process, &mut connection, DETACHING, 1).await;
    // Maintenance runs repeatedly and waits for its lock; appends do not.
    run(&mut connection, "SET lock_timeout = '1s'").await;
    for at in 0..30 {
        process.log.partition_missing();
        append(&mut connection, &[event(&at.to_string())]).await.unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    let late = process_with(&test.url(), Settings::default()).await;
    late.log.ready().await.unwrap();
    assert_eq!(number(&mut connection, &count_of_table("events_old")).await, 1);
    run(&mut reader, "COMMIT").await;
    maintain_until(&process, &mut connection, &count_of_table("events_old"), 0).await;
    assert_eq!(number(&mut connection, "SELECT dropped_through FROM event_log").await, 5);
}

#[tokio::test]
async fn a_detach_that_another_session_started_is_finished() {
    let test = TestDatabase::new().await;
    let (process, mut connection) = process_with_reserved_positions(&test).await;
    let mut reader = process.connection().await;
    let mut other = process.connection().await;
    run(&mut reader, "BEGIN").await;
    number(&mut reader, "SELECT count(*) FROM events").await;
    attach_old(&mut connection, "events_old", 2, 1..=5).await;
    run(&mut other, "SET statement_timeout = '200ms'").await;
    other.batch_execute("ALTER TABLE events DETACH PARTITION events_old CONCURRENTLY").await.unwrap_err();
    assert_eq!(number(&mut connection, DETACHING).await, 1);
    // PostgreSQL detaches one partition at a time.
    attach_old(&mut connection, "events_older", 10, 1..=2).await;
    run(&mut reader, "COMMIT").await;
    maintain_until(&process, &mut connection, &count_of_table("events_old"), 0).await;
    maintain_until(&process, &mut connection, &count_of_table("events_older"), 0).await;
}

#[tokio::test]
async fn events_that_a_consumer_has_not_read_are_kept() {
    let test = TestDatabase::new().await;
    let (process, mut connection) = process_with_reserved_positions(&test).await;
    run(&mut connection, "INSERT INTO event_consumers (name, position) VALUES ('slow', 2)").await;
    attach_old(&mut connection, "events_read", 10, 1..=2).await;
    attach_old(&mut connection, "events_unread", 9, 3..=5).await;
    maintain_until(&process, &mut connection, &count_of_table("events_read"), 0).await;
    for _ in 0..5 {
        process.log.partition_missing();
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(number(&mut connection, &count_of_table("events_unread")).await, 1);
    assert_eq!(number(&mut connection, "SELECT dropped_through FROM event_log").await, 2);
    run(&mut connection, "UPDATE event_consumers SET position = 5").await;
    maintain_until(&process, &mut connection, &count_of_table("events_unread"), 0).await;
}

#[tokio::test]
async fn detached_partitions_are_dropped_later() {
    let test = TestDatabase::new().await;
    let (process, mut connection) = process_with_reserved_positions(&test).await;
    run(
        &mut connection,
        "CREATE TABLE events_from_86400 (LIKE events); CREATE TABLE events_from_9999999999 (LIKE events)",
    )
    .await;
    maintain_until(&process, &mut connection, &count_of_table("events_from_86400"), 0).await;
    assert_eq!(number(&mut connection, &count_of_table("events_from_9999999999")).await, 1, "it is not old");
}
