//! Watchers that start during many writes: each ends with the content of the table, and gets no change twice.

use super::super::fixture::{Fixture, Messages};
use groundplan_model::catalog::MethodKind::{Delete, List, Update, Watch};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tonic::Code;

/// The records that a follower knows, by id.
type Known = BTreeMap<String, Value>;

const LAST: &str = "the last one";

/// How many changes each writer makes at least.
const CHANGES: usize = 50;

/// Changes records at random until `stop` is set and it has made [`CHANGES`].
async fn write(fixture: Arc<Fixture>, writer: usize, stop: Arc<AtomicBool>) {
    let mut random = StdRng::seed_from_u64(writer as u64);
    let mut mine: Vec<String> = Vec::new();
    let mut written = 0;
    while written < CHANGES || !stop.load(Ordering::Relaxed) {
        let dice: u32 = random.random_range(0..10);
        let at = if mine.is_empty() { 0 } else { random.random_range(0..mine.len()) };
        match (dice, mine.get(at).cloned()) {
            (0..4, _) | (_, None) => {
                let made =
                    fixture.item(json!({"title": format!("{writer}"), "rank": random.random_range(0..20)})).await;
                mine.push(made["id"].as_str().unwrap().to_owned());
            }
            (4..8, Some(id)) => {
                let update = json!({"item": {"id": id, "rank": random.random_range(0..20)}, "updateMask": "rank"});
                fixture.call("Item", Update, update).await.unwrap();
            }
            (_, Some(id)) => {
                fixture.call("Item", Delete, json!({"id": id})).await.unwrap();
                mine.swap_remove(at);
            }
        }
        written += 1;
    }
}

/// Follows until the last record comes, coming back from time to time, and gives what it knows then.
async fn follow(fixture: Arc<Fixture>, filter: &'static str, comes_back: Option<u64>) -> Known {
    let mut chance = comes_back.map(StdRng::seed_from_u64);
    let mut known = Known::new();
    let mut told = HashSet::new();
    let mut request = json!({"start": "START_INITIAL", "filter": filter});
    'calls: loop {
        let mut messages: Messages = fixture.stream("Item", Watch, request.clone()).await.unwrap();
        let mut seen = 0;
        loop {
            let event = messages.next().await.unwrap();
            let record = &event["item"];
            let id = record["id"].as_str().unwrap_or_default().to_owned();
            let version = format!("{id} {} {}", event["kind"], record["etag"]);
            match event["kind"].as_str().unwrap() {
                "EVENT_KIND_CREATED" => {
                    assert!(told.insert(version), "told twice: {event}");
                    assert!(known.insert(id, record.clone()).is_none(), "created while known: {event}");
                }
                "EVENT_KIND_UPDATED" => {
                    assert!(told.insert(version), "told twice: {event}");
                    assert!(known.insert(id, record.clone()).is_some(), "updated while unknown: {event}");
                }
                "EVENT_KIND_REMOVED" => assert!(known.remove(&id).is_some(), "removed while unknown: {event}"),
                _ => {}
            }
            if record["title"] == LAST && event["kind"] == "EVENT_KIND_CREATED" {
                return known;
            }
            seen += 1;
            let token = event["token"].as_str().unwrap_or_default();
            let comes_back = chance.as_mut().is_some_and(|chance| seen > 20 && chance.random_bool(0.05));
            if comes_back && !token.is_empty() {
                request = json!({"token": token, "filter": filter});
                continue 'calls;
            }
        }
    }
}

/// What the table has.
async fn listed(fixture: &Fixture, filter: &str) -> Known {
    let mut known = Known::new();
    let mut request = json!({"filter": filter, "pageSize": 1000});
    loop {
        let page = fixture.call("Item", List, request.clone()).await.unwrap();
        for record in page["items"].as_array().into_iter().flatten() {
            known.insert(record["id"].as_str().unwrap().to_owned(), record.clone());
        }
        match page["nextPageToken"].as_str() {
            Some(token) => request["pageToken"] = json!(token),
            None => return known,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_follower_ends_with_what_the_table_has() {
    const FILTERS: [&str; 4] = ["", "rank < 10", "rank > 15 || title == 'the last one'", "title == '2' || rank == 7"];
    let fixture = Arc::new(Fixture::new().await);
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4).map(|at| tokio::spawn(write(fixture.clone(), at, stop.clone()))).collect();
    let mut followers = Vec::new();
    for at in 0..40 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let filter = FILTERS[at % FILTERS.len()];
        followers.push((filter, tokio::spawn(follow(fixture.clone(), filter, (at % 3 == 0).then_some(at as u64)))));
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    fixture.item(json!({"title": LAST, "rank": 7})).await;
    for (filter, follower) in followers {
        let known = follower.await.unwrap();
        assert_eq!(known, listed(&fixture, filter).await, "{filter}");
    }
    let status = fixture.call("Item", Delete, json!({"id": "no id"})).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}
