//! What watches may take: steps of a filter, memory, and rows of a page.

use super::super::fixture::Fixture;
use super::told;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns as _, Sql, rows};
use groundplan_model::catalog::MethodKind::Watch;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The reason that a status gives.
fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

/// A model whose filters can take long.
const LISTS: &str = r#"
syntax = "proto3";
package test.v1;
import "groundplan/model/v1/model.proto";
message Item {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  string title = 2;
  repeated int32 numbers = 3;
}
"#;

async fn lists() -> Fixture {
    let fixture = Fixture::empty().await;
    fixture.apply(1, LISTS).await.unwrap();
    fixture
}

#[tokio::test]
async fn a_filter_that_takes_too_long_ends_its_watch_and_no_other() {
    let fixture = lists().await;
    let costly = json!({"filter": "numbers.all(a, numbers.all(b, a + b > 0))"});
    let mut costly = fixture.watch_now("Item", costly).await;
    let mut modest = fixture.watch_now("Item", json!({"filter": "numbers.all(a, a > 0)"})).await;
    let token = {
        let mut early = fixture.watch_now("Item", json!({"filter": "numbers.all(a, numbers.all(b, a + b > 1))"})).await;
        fixture.item(json!({"title": "small", "numbers": [1, 2]})).await;
        early.change().await["token"].clone()
    };
    assert_eq!(told(&costly.change().await).1, "small");
    assert_eq!(told(&modest.change().await).1, "small");
    let numbers: Vec<i32> = (1..=4_000).collect();
    fixture.item(json!({"title": "large", "numbers": numbers})).await;
    assert_eq!(told(&modest.change().await).1, "large");
    let ended = costly.next().await.unwrap_err();
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::ResourceExhausted, "BUDGET_EXCEEDED"));
    assert!(ended.message().contains("200000 steps") && ended.message().contains("nested"), "{}", ended.message());
    fixture.item(json!({"title": "after", "numbers": [3]})).await;
    assert_eq!(told(&modest.change().await).1, "after", "other watches go on");
    // The same for a watcher that reads the log itself.
    let request = json!({"token": token, "filter": "numbers.all(a, numbers.all(b, a + b > 1))"});
    let mut late = fixture.stream("Item", Watch, request).await.unwrap();
    assert_eq!(late.next().await.unwrap()["kind"], "EVENT_KIND_BOOKMARK");
    assert_eq!(reason(&late.next().await.unwrap_err()), "BUDGET_EXCEEDED");
}

#[tokio::test]
async fn a_change_is_decoded_once_for_all_watches_that_see_it() {
    let fixture = Fixture::new().await;
    let text = "x".repeat(300 << 10);
    let item = fixture.item(json!({"title": "large", "kind": text, "rank": 1})).await;
    let mut watches = Vec::new();
    for at in 0..50 {
        watches.push(fixture.watch_now("Item", json!({"filter": format!("rank > -{at}"), "withPrevious": true})).await);
    }
    fixture.change(json!({"id": item["id"], "rank": 2})).await;
    for watch in &mut watches {
        let event = watch.change().await;
        assert_eq!((&event["item"]["rank"], &event["previous"]["rank"]), (&json!(2), &json!(1)));
    }
    // Nothing is held for those who have taken everything.
    drop(watches);
    for _ in 0..1_500 {
        if fixture.records.memory().used() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{} bytes are held", fixture.records.memory().used());
}

#[tokio::test]
async fn watches_beyond_the_memory_are_cut_off_and_resume_without_a_loss() {
    let fixture = Fixture::new().await;
    let mut reading = fixture.watch_now("Item", json!({})).await;
    let mut waiting = Vec::new();
    for at in 0..20 {
        let filter = format!("rank > -{at}");
        let mut watch = fixture.stream("Item", Watch, json!({"start": "START_NOW", "filter": filter})).await.unwrap();
        let token = watch.next().await.unwrap()["token"].clone();
        waiting.push((watch, filter, token));
    }
    // What is left takes one written event of each, and some changes that wait.
    let memory = fixture.records.memory();
    let text = "x".repeat(500 << 10);
    let taken = memory.hold(memory.limit() - (6 << 20)).unwrap();
    for at in 1..=8 {
        fixture.item(json!({"title": "large", "kind": text, "rank": at})).await;
        assert_eq!(reading.change().await["item"]["rank"], json!(at), "who reads is served");
    }
    drop(taken);
    let mut cut = 0;
    for (mut watch, filter, mut token) in waiting {
        let mut ranks: Vec<Value> = Vec::new();
        loop {
            match watch.next().await {
                Ok(event) => {
                    token = event["token"].clone();
                    ranks.extend(event.get("item").map(|item| item["rank"].clone()));
                }
                Err(status) => {
                    assert_eq!(reason(&status), "MEMORY_EXHAUSTED", "{status:?}");
                    cut += 1;
                    watch = fixture.stream("Item", Watch, json!({"token": token, "filter": filter})).await.unwrap();
                }
            }
            if ranks.len() == 8 {
                break;
            }
        }
        assert_eq!(ranks, (1..=8).map(|rank| json!(rank)).collect::<Vec<_>>());
    }
    assert!(cut > 0, "the memory was enough for all");
}

async fn number(connection: &mut AsyncPgConnection, sql: &str) -> i64 {
    let found = rows(connection, &Sql::once(sql), &[]).await.unwrap();
    found[0].i64(0).unwrap().unwrap_or_default()
}

/// What PostgreSQL has sent of large values is counted by the pieces that it has read of them.
#[tokio::test]
async fn a_page_of_large_records_reads_no_more_than_it_gives() {
    let fixture = Fixture::new().await;
    // It does not compress.
    let mut random = StdRng::seed_from_u64(14);
    let text: String = (0..512 << 10).map(|_| char::from(random.random_range(b'!'..=b'~'))).collect();
    for at in 0..40 {
        fixture.item(json!({"title": format!("{at}"), "kind": text})).await;
    }
    let mut watch = fixture.stream("Item", Watch, json!({"start": "START_INITIAL"})).await.unwrap();
    for _ in 0..40 {
        assert_eq!(told(&watch.next().await.unwrap()).0, "CREATED");
    }
    assert_eq!(told(&watch.next().await.unwrap()).0, "SYNCED");
    // A connection reports what it has read at its end.
    let mut own = fixture.database.dedicated().await.unwrap();
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(number(&mut own, end).await > 0);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let pieces = "SELECT coalesce(sum(idx_tup_fetch), 0)::bigint FROM pg_stat_all_tables WHERE relid = \
                  (SELECT reltoastrelid FROM pg_class WHERE oid = 'test_v1.item'::regclass)";
    let read = number(&mut own, pieces).await;
    let of_record = (512 << 10) / 1_996;
    // Eight pages of five records: reading each to its end takes 180 records.
    assert!((40 * of_record..80 * of_record).contains(&read), "{} of 40 records were read", read / of_record);
}
