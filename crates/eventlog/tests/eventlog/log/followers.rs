//! Tests of following a log.

use crate::support::{PATIENCE, event, keys, kill_readers, process, process_with, run, until};
use groundplan_eventlog::{NewEvent, Settings, append};
use groundplan_testkit::TestDatabase;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Counts the listening connections.
const LISTENERS: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN %'";

#[tokio::test]
async fn a_follower_starts_now_or_after_its_token() {
    let test = TestDatabase::new().await;
    let process = process(&test.url()).await;
    process.append(&["before"]).await;
    let (mut batches, _) = process.follow("").await.unwrap();
    process.append(&["a"]).await;
    let (received, mut token) = keys(&mut batches, 1).await;
    if received == ["before"] {
        // The tail had not passed it yet.
        token = keys(&mut batches, 1).await.1;
    }
    process.append(&["b", "c"]).await;
    process.append(&["d"]).await;
    assert_eq!(keys(&mut batches, 3).await.0, ["b", "c", "d"]);
    let (mut again, _) = process.follow(&token).await.unwrap();
    assert_eq!(keys(&mut again, 3).await.0, ["b", "c", "d"]);
}

#[tokio::test]
async fn no_event_is_lost_or_repeated_when_the_reader_loses_its_connection() {
    let test = TestDatabase::new().await;
    let process = process(&test.url()).await;
    let mut connection = process.connection().await;
    let (mut batches, _) = process.follow("").await.unwrap();
    let mut expected = Vec::new();
    let mut received = Vec::new();
    for round in 0..5 {
        for part in 0..3 {
            expected.push(format!("{round}-{part}"));
            process.append(&[expected.last().unwrap()]).await;
        }
        kill_readers(&mut connection).await;
        expected.push(format!("{round}-killed"));
        process.append(&[expected.last().unwrap()]).await;
        received.extend(keys(&mut batches, expected.len() - received.len()).await.0);
    }
    assert_eq!(received, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_in_one_process_wakes_the_followers_in_another() {
    let test = TestDatabase::new().await;
    // Polls are rarer than the test waits.
    let settings = || Settings { poll: PATIENCE * 10, ..Settings::default() };
    let (one, other) = (process_with(&test.url(), settings()).await, process_with(&test.url(), settings()).await);
    let (mut batches, _) = other.follow("").await.unwrap();
    let mut connection = one.connection().await;
    until(&mut connection, LISTENERS, 2).await;
    for attempt in 0..10 {
        append(&mut connection, &[event(&attempt.to_string())]).await.unwrap();
        one.log.appended();
        keys(&mut batches, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_left_memory_are_read_from_the_database() {
    let test = TestDatabase::new().await;
    let process = process(&test.url()).await;
    let (_, token) = process.follow("").await.unwrap();
    let mut connection = process.connection().await;
    let mut expected = Vec::new();
    for round in 0..24 {
        let large = |part: i32| NewEvent { payload: vec![7; 400_000].into(), ..event(&format!("{round}-{part}")) };
        let events: Vec<NewEvent> = (0..3).map(large).collect();
        expected.extend(events.iter().map(|event| event.key.clone()));
        append(&mut connection, &events).await.unwrap();
        process.log.appended();
    }
    let newest = process.log.newest().await.unwrap();
    let mut progress = process.log.watch();
    let has_reached = |at: i64| {
        move |progress: &Option<groundplan_eventlog::Progress>| progress.is_some_and(|it| it.cursor().position >= at)
    };
    progress.wait_for(has_reached(newest)).await.unwrap();
    let (mut batches, _) = process.follow(&token).await.unwrap();
    assert_eq!(keys(&mut batches, expected.len()).await.0, expected);
    process.append(&["last"]).await;
    assert_eq!(keys(&mut batches, 1).await.0, ["last"], "it continues from memory");
}

#[tokio::test]
async fn a_log_that_opens_during_a_write_waits_for_its_end() {
    let test = TestDatabase::new().await;
    let first = process(&test.url()).await;
    first.log.ready().await.unwrap();
    let mut writer = first.connection().await;
    run(&mut writer, "BEGIN").await;
    append(&mut writer, &[event("slow")]).await.unwrap();
    first.append(&["fast"]).await;
    let late = process(&test.url()).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(late.log.progress(), None, "the write might be before or after the log's position");
    // The log does not wait for writers that start after it was opened.
    let mut other = first.connection().await;
    run(&mut other, "BEGIN").await;
    append(&mut other, &[event("later")]).await.unwrap();
    run(&mut writer, "COMMIT").await;
    let (mut batches, _) = late.follow("").await.unwrap();
    run(&mut other, "COMMIT").await;
    first.append(&["last"]).await;
    assert_eq!(keys(&mut batches, 2).await.0, ["later", "last"]);
}

#[tokio::test]
async fn the_status_shows_a_writer_that_stays_open() {
    let test = TestDatabase::new().await;
    let process = process(&test.url()).await;
    let (mut batches, _) = process.follow("").await.unwrap();
    let mut writer = process.connection().await;
    for prepare in ["", "PREPARE TRANSACTION 'slow'"] {
        run(&mut writer, "BEGIN").await;
        append(&mut writer, &[event("slow")]).await.unwrap();
        run(&mut writer, prepare).await;
        process.append(&["fast"]).await;
        let status = process.log.status();
        let end = Instant::now() + PATIENCE;
        while status.oldest_writer_age() < 0.5 || status.lag() < 0.5 {
            assert!(Instant::now() < end, "{prepare:?}: {status:?}");
            sleep(Duration::from_millis(50)).await;
        }
        run(&mut writer, if prepare.is_empty() { "COMMIT" } else { "COMMIT PREPARED 'slow'" }).await;
        assert_eq!(keys(&mut batches, 2).await.0, ["slow", "fast"]);
        process.append(&["next"]).await;
        keys(&mut batches, 1).await;
        while status.oldest_writer_age() > 0.0 {
            assert!(Instant::now() < end, "{prepare:?}: {status:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}
