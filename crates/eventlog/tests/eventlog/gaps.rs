//! Reads of a tail while a position is missing.

use crate::support::{database, event, run};
use groundplan_eventlog::{Cursor, Log, Settings, Tail, append};
use groundplan_testkit::TestDatabase;

/// The event after the gap is deleted after it was read: only a tail that holds it can deliver it.
#[tokio::test]
async fn events_after_a_gap_are_read_only_once() {
    let test = TestDatabase::new().await;
    let database = database(&test.url()).await;
    drop(Log::open(database.clone(), Settings::default()).await.unwrap());
    let mut slow = database.dedicated().await.unwrap();
    let mut quick = database.dedicated().await.unwrap();
    let mut reader = database.dedicated().await.unwrap();
    run(&mut slow, "BEGIN").await;
    append(&mut slow, &[event("slow")]).await.unwrap();
    append(&mut quick, &[event("read")]).await.unwrap();
    let mut tail = Tail::new(Cursor::START);
    assert!(tail.step(&mut reader).await.unwrap().is_blocked);
    run(&mut quick, "DELETE FROM events WHERE key = 'read'").await;
    append(&mut quick, &[event("later")]).await.unwrap();
    for _ in 0..3 {
        let step = tail.step(&mut reader).await.unwrap();
        assert!(step.is_blocked && step.events.is_empty(), "{step:?}");
    }
    run(&mut slow, "COMMIT").await;
    let mut delivered = Vec::new();
    for _ in 0..3 {
        delivered.extend(tail.step(&mut reader).await.unwrap().events);
    }
    let keys: Vec<&str> = delivered.iter().map(|event| event.key.as_str()).collect();
    assert_eq!(keys, ["slow", "read", "later"]);
}

/// A gap within a gap, and a writer that rolls back.
#[tokio::test]
async fn a_tail_waits_for_each_of_several_gaps() {
    let test = TestDatabase::new().await;
    let database = database(&test.url()).await;
    drop(Log::open(database.clone(), Settings::default()).await.unwrap());
    let mut writers = Vec::new();
    for name in ["1", "2", "3", "4", "5"] {
        let mut writer = database.dedicated().await.unwrap();
        run(&mut writer, "BEGIN").await;
        append(&mut writer, &[event(name)]).await.unwrap();
        writers.push(writer);
    }
    let mut reader = database.dedicated().await.unwrap();
    let mut tail = Tail::new(Cursor::START);
    let mut delivered = Vec::new();
    for (writer, end) in [(4, "COMMIT"), (2, "COMMIT"), (3, "ROLLBACK"), (0, "COMMIT"), (1, "COMMIT")] {
        run(&mut writers[writer], end).await;
        for _ in 0..4 {
            delivered.extend(tail.step(&mut reader).await.unwrap().events);
        }
    }
    let keys: Vec<&str> = delivered.iter().map(|event| event.key.as_str()).collect();
    assert_eq!(keys, ["1", "2", "3", "5"]);
}
