//! Updates that create what is missing, and meet.

use super::commits::{any, of, write};
use super::{commit, count, fixture};
use groundplan_chassis::database::Columns as _;
use groundplan_model::catalog::MethodKind::{BatchUpdate, Get, Update};
use groundplan_proto::records::v1::write::Operation;
use groundplan_proto::records::v1::{self};
use serde_json::json;

/// How many meet.
const CALLS: usize = 16;

#[tokio::test]
async fn all_of_those_who_create_a_missing_record_at_once_succeed() {
    let fixture = fixture().await;
    for id in 0..4 {
        let upsert = |at: usize| {
            let item = json!({"id": format!("u{id}"), "code": format!("c{id}"), "stock": at + 1});
            fixture.call("Item", Update, json!({"item": item, "allowMissing": true}))
        };
        let answers = futures_util::future::join_all((0..CALLS).map(upsert)).await;
        for (at, answer) in answers.iter().enumerate() {
            let answer = answer.as_ref().unwrap_or_else(|status| panic!("{at}: {status:?}"));
            assert_eq!(answer["stock"], at + 1);
        }
    }
    assert_eq!(count(&fixture, "test_v1.item").await, 4);
    let kinds =
        fixture.query("SELECT kind::bigint, count(*) FROM groundplan_records.events GROUP BY 1 ORDER BY 1").await;
    let kinds: Vec<i64> = kinds.iter().map(|row| row.i64(1).unwrap().unwrap()).collect();
    assert_eq!(kinds, [4, 4 * (CALLS as i64 - 1)], "one created each, all others updated");
}

#[tokio::test]
async fn so_do_batches_and_commits() {
    let fixture = fixture().await;
    let batch = |at: usize| {
        let one = |id: usize| json!({"item": {"id": format!("u{id}"), "stock": at + 1}, "allowMissing": true});
        // Half of them start at the other end.
        let ids: Vec<usize> = if at.is_multiple_of(2) { (0..5).collect() } else { (0..5).rev().collect() };
        let requests: Vec<_> = ids.into_iter().map(one).collect();
        fixture.call("Item", BatchUpdate, json!({ "requests": requests }))
    };
    for answer in futures_util::future::join_all((0..CALLS).map(batch)).await {
        answer.unwrap();
    }
    let upsert = |at: usize| {
        let record = any(&fixture, "Item", json!({"id": "z", "stock": at + 1}));
        let update = v1::Update { record, allow_missing: true, ..v1::Update::default() };
        commit(&fixture, of(vec![write(Operation::Update(update), "")]))
    };
    for answer in futures_util::future::join_all((0..CALLS).map(upsert)).await {
        answer.unwrap();
    }
    assert_eq!(count(&fixture, "test_v1.item").await, 6);
    assert!(fixture.call("Item", Get, json!({"id": "z"})).await.unwrap()["stock"].as_i64().unwrap() >= 1);
}
