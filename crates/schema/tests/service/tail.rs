//! Tests of TailRevisions.

use crate::support::{
    Follower, FollowerBehavior, Process, entity, eventually, patient, reason_and_metadata, revision_of, start,
};
use groundplan_chassis::database::{Columns as _, Sql, rows};
use groundplan_proto::eventlog::v1::Event;
use groundplan_proto::schema::v1::RevisionState::{self, Failed, Live, Preparing};
use groundplan_proto::schema::v1::TailRevisionsResponse;
use groundplan_proto::watch::v1::ChangeKind::{Created, Updated};
use groundplan_testkit::TestDatabase;
use std::time::{Duration, SystemTime};
use tonic::{Code, Streaming};

const FIELD1: &str = "  string field1 = 2;\n";
const FIELD2: &str = "  double field2 = 3;\n";

/// Reads until an event reports a revision in a state. Returns all events, and the token after them.
async fn read_until(
    tail: &mut Streaming<TailRevisionsResponse>,
    number: i64,
    state: RevisionState,
) -> (Vec<Event>, String) {
    let mut all_events = Vec::new();
    loop {
        let TailRevisionsResponse { events, token } = tail.message().await.unwrap().unwrap();
        all_events.extend(events);
        let last = all_events.last().map(revision_of);
        if last.is_some_and(|last| (last.number, last.state()) == (number, state)) {
            return (all_events, token);
        }
    }
}

/// Returns the kind, the number and the state of each event.
fn kinds_and_states(events: &[Event]) -> Vec<(i32, i64, RevisionState)> {
    let kind_and_state = |event: &Event| (event.kind, revision_of(event).number, revision_of(event).state());
    events.iter().map(kind_and_state).collect()
}

/// Starts to tail, and returns the first token.
async fn start_tail(process: &Process) -> (Streaming<TailRevisionsResponse>, String) {
    let mut tail = process.tail("").await.unwrap();
    let first = tail.message().await.unwrap().unwrap();
    assert_eq!(first.events, []);
    (tail, first.token)
}

#[tokio::test]
async fn each_change_of_a_revision_is_appended_in_its_transaction() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let (mut tail, _) = start_tail(&process).await;
    let follower = Follower::start(&process, "records-1", FollowerBehavior::Done);
    process.apply_to_the_end(entity(FIELD1)).await.unwrap();
    let (events, _) = read_until(&mut tail, 1, Live).await;
    assert_eq!(kinds_and_states(&events), [(Created as i32, 1, Preparing), (Updated as i32, 1, Live)]);
    let revision = revision_of(&events[0]);
    assert_eq!((revision.descriptor_set, revision.storage_names, revision.steps), Default::default());
    assert!(revision.created_at.is_some() && events[0].position < events[1].position);

    follower.behavior.send_replace(FollowerBehavior::Fail("two records have the same isbn".into()));
    process.apply_to_the_end(entity(&format!("{FIELD1}{FIELD2}"))).await.unwrap_err();
    let (events, _) = read_until(&mut tail, 2, Failed).await;
    assert_eq!(kinds_and_states(&events), [(Created as i32, 2, Preparing), (Updated as i32, 2, Failed)]);
    assert_eq!(revision_of(&events[1]).failure, "two records have the same isbn");

    // The transactions that appended the events wrote the rows last.
    let apart = "SELECT count(*) FROM revisions WHERE xmin::text <> (\
                 SELECT (transaction::text::numeric % 4294967296)::text FROM events WHERE key = number::text \
                 ORDER BY position DESC LIMIT 1)";
    let mut lease = process.database.lease().await.unwrap();
    let apart = lease.run(async |connection| rows(connection, &Sql::new(apart), &[]).await).await.unwrap();
    assert_eq!(apart[0].i64(0).unwrap(), Some(0));
}

#[tokio::test]
async fn a_takeover_appends_once_and_a_rejected_apply_does_not() {
    let test = TestDatabase::new().await;
    let process = start(&test, patient()).await;
    let (mut tail, _) = start_tail(&process).await;
    let _follower = Follower::start(&process, "records-1", FollowerBehavior::Working);
    let _apply = process.apply(entity(FIELD1)).await.unwrap();
    let error = process.apply(entity(FIELD2)).await.unwrap_err();
    assert_eq!(reason_and_metadata(&error, "").0, "REVISION_CONFLICT");
    // Repeat, since the first apply might renew its lease in between.
    eventually(async || {
        process.sql("UPDATE revisions SET lease_until = now() - interval '1 second'", &[]).await;
        process.apply(entity(FIELD2)).await.is_ok()
    })
    .await;
    let (events, _) = read_until(&mut tail, 2, Preparing).await;
    let expected = [(Created as i32, 1, Preparing), (Updated as i32, 1, Failed), (Created as i32, 2, Preparing)];
    assert_eq!(kinds_and_states(&events), expected);
    let parts: Vec<(i32, bool)> = events.iter().map(|event| (event.part, event.last)).collect();
    assert_eq!(parts, [(0, true), (0, false), (1, true)]);
    assert_eq!(events[1].position, events[2].position);
}

#[tokio::test]
async fn other_processes_are_notified_immediately() {
    let test = TestDatabase::new().await;
    let (process, other) = (start(&test, patient()).await, start(&test, patient()).await);
    let _follower = Follower::start(&process, "records-1", FollowerBehavior::Done);
    let (mut tail, _) = start_tail(&other).await;
    let mut latencies = Vec::new();
    for number in 1..=4 {
        let fields: String = (2..=number + 1).map(|field| format!("  string field{field} = {field};\n")).collect();
        let apply = process.apply_to_the_end(entity(&fields));
        let read_until = async {
            let (events, _) = read_until(&mut tail, number, Live).await;
            let appended: SystemTime = events.last().unwrap().appended_at.unwrap().try_into().unwrap();
            SystemTime::now().duration_since(appended).unwrap_or_default()
        };
        let (applied, took) = tokio::join!(apply, read_until);
        applied.unwrap();
        latencies.push(took);
    }
    latencies.sort();
    assert!(latencies[1] < Duration::from_millis(100), "{latencies:?}");
}

#[tokio::test]
async fn a_token_resumes_in_another_process_without_gaps() {
    let test = TestDatabase::new().await;
    let (process, other) = (start(&test, patient()).await, start(&test, patient()).await);
    let _follower = Follower::start(&other, "records-1", FollowerBehavior::Done);
    let (mut tail, token) = start_tail(&process).await;
    other.apply_to_the_end(entity(FIELD1)).await.unwrap();
    let (events, next_token) = read_until(&mut tail, 1, Live).await;
    process.stop.cancel();
    let stopped = tail.message().await.unwrap_err();
    assert_eq!((stopped.code(), reason_and_metadata(&stopped, "").0), (Code::Unavailable, "NOT_READY".into()));
    other.apply_to_the_end(entity(&format!("{FIELD1}{FIELD2}"))).await.unwrap();

    let restarted = start(&test, patient()).await;
    let (missed, _) = read_until(&mut restarted.tail(&next_token).await.unwrap(), 2, Live).await;
    assert_eq!(kinds_and_states(&missed), [(Created as i32, 2, Preparing), (Updated as i32, 2, Live)]);
    let (all, _) = read_until(&mut restarted.tail(&token).await.unwrap(), 2, Live).await;
    assert_eq!(all, [events, missed].concat());
    let foreign = restarted.tail("foreign").await.unwrap().message().await.unwrap_err();
    assert_eq!((foreign.code(), reason_and_metadata(&foreign, "").0), (Code::InvalidArgument, "TOKEN_INVALID".into()));
}
