//! Tests of tokens.

use crate::support::{ORIGIN, keys, kill_readers, next, number, process, run};
use groundplan_error::{Error, Reason};
use groundplan_testkit::TestDatabase;
use tonic_types::StatusExt as _;

fn detail(error: &Error, key: &str) -> Option<String> {
    let details = error.to_status().get_error_details();
    details.error_info()?.metadata.get(key).cloned()
}

#[tokio::test]
async fn a_token_opens_only_unchanged_and_for_its_origin() {
    let test = TestDatabase::new().await;
    let process = process(&test.url()).await;
    let (mut batches, _) = process.follow("").await.unwrap();
    process.append(&["a", "b", "c"]).await;
    let (_, token) = keys(&mut batches, 3).await;
    let at = process.log.progress().unwrap().at;
    assert_eq!(at.cursor.part, 2);
    assert_eq!(process.log.open_token(ORIGIN, &token).await.unwrap(), at);
    let error = process.log.open_token(b"another test", &token).await.unwrap_err();
    assert_eq!(error.reason(), Reason::TokenInvalid);
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        let error = process.log.open_token(ORIGIN, &changed).await.unwrap_err();
        assert_eq!(error.reason(), Reason::TokenInvalid, "{at}");
    }
    for garbage in ["x", "null", "é", &"A".repeat(10_000)] {
        let error = process.log.open_token(ORIGIN, garbage).await.unwrap_err();
        assert_eq!(error.reason(), Reason::TokenInvalid, "{garbage}");
    }
}

#[tokio::test]
async fn a_token_of_a_position_that_was_not_drawn_is_gone() {
    let test = TestDatabase::new().await;
    let process = process(&test.url()).await;
    let (mut batches, token) = process.follow("").await.unwrap();
    process.append(&["a"]).await;
    keys(&mut batches, 1).await;
    let mut at = process.log.progress().unwrap().at;
    at.cursor.position += 1;
    let beyond = process.log.seal_token(ORIGIN, at).unwrap();
    let other = crate::support::process(&test.url()).await;
    let error = other.log.open_token(ORIGIN, &beyond).await.unwrap_err();
    assert_eq!(error.reason(), Reason::PositionGone);
    assert!(other.log.open_token(ORIGIN, &token).await.is_ok());
}

#[tokio::test]
async fn another_process_opens_the_token() {
    let test = TestDatabase::new().await;
    let (one, other) = (process(&test.url()).await, process(&test.url()).await);
    let (mut batches, _) = one.follow("").await.unwrap();
    one.append(&["a"]).await;
    let (_, token) = keys(&mut batches, 1).await;
    one.append(&["b"]).await;
    let (mut batches, _) = other.follow(&token).await.unwrap();
    assert_eq!(keys(&mut batches, 1).await.0, ["b"]);
}

#[tokio::test]
async fn tokens_and_followers_of_a_replaced_log_are_gone() {
    let test = TestDatabase::new().await;
    let process = process(&test.url()).await;
    let (mut batches, token) = process.follow("").await.unwrap();
    let before = process.log.progress();
    let mut connection = process.connection().await;
    run(&mut connection, "UPDATE event_log SET identity = gen_random_uuid()").await;
    kill_readers(&mut connection).await;
    let ended = next(&mut batches).await.unwrap_err();
    assert_eq!(ended.reason(), Reason::PositionGone);
    assert_ne!(process.log.progress(), before);
    let error = process.log.open_token(ORIGIN, &token).await.unwrap_err();
    assert_eq!((error.reason(), detail(&error, "oldestToken")), (Reason::PositionGone, None));
    let (mut batches, _) = process.follow("").await.unwrap();
    process.append(&["a"]).await;
    assert_eq!(keys(&mut batches, 1).await.0, ["a"]);
}

#[tokio::test]
async fn a_token_of_dropped_events_is_gone_and_the_error_has_the_oldest_token() {
    let test = TestDatabase::new().await;
    let process = process(&test.url()).await;
    let (mut batches, token) = process.follow("").await.unwrap();
    process.append(&["a"]).await;
    process.append(&["b"]).await;
    keys(&mut batches, 2).await;
    let mut connection = process.connection().await;
    let dropped = "UPDATE event_log SET dropped_through = (SELECT position FROM events WHERE key = 'a')";
    run(&mut connection, dropped).await;
    let error = process.log.open_token(ORIGIN, &token).await.unwrap_err();
    assert_eq!(error.reason(), Reason::PositionGone);
    let oldest = detail(&error, "oldestToken").unwrap();
    let (mut batches, _) = process.follow(&oldest).await.unwrap();
    assert_eq!(keys(&mut batches, 1).await.0, ["b"]);
}

/// The tail waits for a writer while the next events are dropped.
#[tokio::test]
async fn a_tail_that_missed_dropped_events_restarts_and_its_followers_get_an_error() {
    let test = TestDatabase::new().await;
    let process = process(&test.url()).await;
    let (mut batches, _) = process.follow("").await.unwrap();
    let mut writer = process.connection().await;
    run(&mut writer, "BEGIN").await;
    groundplan_eventlog::append(&mut writer, &[crate::support::event("slow")]).await.unwrap();
    process.append(&["a"]).await;
    process.append(&["b"]).await;
    let mut connection = process.connection().await;
    run(&mut connection, "UPDATE event_log SET dropped_through = (SELECT position FROM events WHERE key = 'a')").await;
    process.log.appended();
    run(&mut writer, "COMMIT").await;
    assert_eq!(next(&mut batches).await.unwrap_err().reason(), Reason::PositionGone);
    let (mut batches, _) = process.follow("").await.unwrap();
    process.append(&["c"]).await;
    assert_eq!(keys(&mut batches, 1).await.0, ["c"]);
    assert_eq!(process.log.newest().await.unwrap(), number(&mut connection, "SELECT max(position) FROM events").await);
}
