//! Writes whose order does not matter: references and unique values are checked when all of a request are done.

use super::commits::{any, create, mask, of, write};
use super::{commit, count, fixture, items, refusal};
use crate::tests::fixture::Fixture;
use groundplan_chassis::database::Columns as _;
use groundplan_model::catalog::MethodKind::{BatchCreate, BatchUpdate, Create, Delete, Get};
use groundplan_proto::records::v1::write::Operation;
use groundplan_proto::records::v1::{self, Write};
use serde_json::{Value, json};
use tonic::Code;

fn update(fixture: &Fixture, record: Value, paths: &[&str]) -> Write {
    let (record, update_mask) = (any(fixture, "Item", record), mask(paths));
    write(Operation::Update(v1::Update { record, update_mask, ..v1::Update::default() }), "")
}

fn delete(id: &str) -> Write {
    let delete = v1::Delete { model: "test.v1.Item".into(), id: id.into(), ..v1::Delete::default() };
    write(Operation::Delete(delete), "")
}

/// The items by id: their codes, and how much more often each was changed than the one that was changed least.
async fn codes(fixture: &Fixture) -> Vec<(String, String, i64)> {
    let sql =
        "SELECT i.id, coalesce(i.code, '-'), i._version - min(i._version) OVER () FROM test_v1.item i ORDER BY i.id";
    let text = |row: &groundplan_chassis::database::PgRow, at| row.text(at).unwrap().unwrap();
    fixture.query(sql).await.iter().map(|row| (text(row, 0), text(row, 1), row.i64(2).unwrap().unwrap())).collect()
}

fn code(id: &str, code: &str, changes: i64) -> (String, String, i64) {
    (id.to_owned(), code.to_owned(), changes)
}

#[tokio::test]
async fn a_batch_may_create_a_child_before_its_parent() {
    let fixture = fixture().await;
    let writes = vec![
        create(&fixture, "Line", json!({"id": "l", "orderId": "o"}), ""),
        create(&fixture, "Item", json!({"id": "i", "orderId": "$later"}), ""),
        create(&fixture, "Order", json!({"id": "o"}), "later"),
    ];
    commit(&fixture, of(writes)).await.unwrap();
    assert_eq!(fixture.call("Item", Get, json!({"id": "i"})).await.unwrap()["orderId"], "o");
    let writes = vec![
        create(&fixture, "Line", json!({"id": "m", "orderId": "o"}), ""),
        create(&fixture, "Item", json!({"id": "j", "orderId": "nobody"}), ""),
        create(&fixture, "Item", json!({"id": "k", "orderId": "nobody"}), ""),
    ];
    let status = commit(&fixture, of(writes)).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["writes[1].create.record.order_id"], "{status:?}");
    let mut batch = items(0..40);
    batch[30]["item"]["orderId"] = json!("nobody");
    let status = fixture.call("Item", BatchCreate, json!({"requests": batch})).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["requests[30].item.order_id"], "{status:?}");
    assert_eq!(count(&fixture, "test_v1.item").await, 1);
}

#[tokio::test]
async fn required_references_in_a_cycle_are_satisfied_by_one_commit() {
    let fixture = fixture().await;
    let pair = |manager: &str| {
        vec![
            create(&fixture, "Store", json!({"manager": manager}), "store"),
            create(&fixture, "Staff", json!({"store": "$store"}), "manager"),
        ]
    };
    commit(&fixture, of(pair("$manager"))).await.unwrap();
    let rows =
        fixture.query("SELECT 1 FROM test_v1.store s JOIN test_v1.staff m ON m.id = s.manager AND m.store = s.id");
    assert_eq!(rows.await.len(), 1);
    let nobody = "0198c0de-7a5e-7c3b-9d41-0242ac120002";
    let status = commit(&fixture, of(pair(nobody))).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["writes[0].create.record.manager"], "{status:?}");
    assert_eq!(count(&fixture, "test_v1.store").await, 1);
}

#[tokio::test]
async fn a_reference_to_what_is_deleted_is_named_wherever_its_write_is() {
    let fixture = fixture().await;
    fixture.call("Order", Create, json!({"order": {"id": "o"}})).await.unwrap();
    fixture.call("Order", Delete, json!({"id": "o"})).await.unwrap();
    let requests = json!([{"line": {"id": "a"}}, {"line": {"id": "b", "orderId": "o"}}]);
    let status = fixture.call("Line", BatchCreate, json!({ "requests": requests })).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["requests[1].line.order_id"]);
    assert!(status.message().contains("is deleted"), "{}", status.message());
    // What the transaction itself brings back, or deletes, counts.
    let undelete = v1::Undelete { model: "test.v1.Order".into(), id: "o".into(), ..v1::Undelete::default() };
    let line = || create(&fixture, "Line", json!({"id": "b", "orderId": "o"}), "");
    let writes = vec![line(), write(Operation::Undelete(undelete), "")];
    commit(&fixture, of(writes)).await.unwrap();
    assert_eq!(count(&fixture, "test_v1.line").await, 1);
}

#[tokio::test]
async fn unique_values_are_exchanged_by_one_request() {
    let fixture = fixture().await;
    fixture.call("Item", BatchCreate, json!({"requests": items(0..3)})).await.unwrap();
    let is = |id: &str, code: &str| json!({"item": {"id": id, "code": code}});
    let requests = json!([is("i0", "c1"), is("i1", "c0")]);
    let swapped = fixture.call("Item", BatchUpdate, json!({ "requests": requests })).await.unwrap();
    assert_eq!((&swapped["items"][0]["code"], &swapped["items"][1]["code"]), (&json!("c1"), &json!("c0")));
    assert_eq!(codes(&fixture).await, [code("i0", "c1", 1), code("i1", "c0", 1), code("i2", "c2", 0)]);
    // A circle of three, with something in between that only looks.
    let verify = v1::Verify { model: "test.v1.Item".into(), id: "i2".into(), ..v1::Verify::default() };
    let writes = vec![
        update(&fixture, json!({"id": "i0", "code": "c0"}), &["code"]),
        write(Operation::Verify(verify), "code == 'c2'"),
        update(&fixture, json!({"id": "i1", "code": "c2"}), &["code"]),
        update(&fixture, json!({"id": "i2", "code": "c1"}), &["code"]),
    ];
    commit(&fixture, of(writes)).await.unwrap();
    assert_eq!(codes(&fixture).await, [code("i0", "c0", 1), code("i1", "c2", 1), code("i2", "c1", 0)]);
    // A new one takes what another gives up later, or has until it is deleted.
    let writes = vec![
        create(&fixture, "Item", json!({"id": "j", "code": "c0"}), ""),
        create(&fixture, "Item", json!({"id": "k", "code": "c1"}), ""),
        update(&fixture, json!({"id": "i0", "code": "c9"}), &["code"]),
        delete("i2"),
    ];
    commit(&fixture, of(writes)).await.unwrap();
    let left: Vec<_> = codes(&fixture).await.into_iter().map(|(id, code, _)| (id, code)).collect();
    let is = |id: &str, code: &str| (id.to_owned(), code.to_owned());
    assert_eq!(left, [is("i0", "c9"), is("i1", "c2"), is("j", "c0"), is("k", "c1")]);
    // Nobody ever sees a placeholder: one event a write, each with the values that were and are.
    assert_eq!(count(&fixture, "groundplan_records.events").await, 3 + 2 + 3 + 4);
    let seen = "SELECT 1 FROM groundplan_records.events WHERE encode(payload, 'escape') ~ '[0-9a-f]{8}-[0-9a-f]{4}-'";
    assert_eq!(fixture.query(seen).await.len(), 0);
}

#[tokio::test]
async fn a_value_that_stays_taken_is_refused_at_its_place() {
    let fixture = fixture().await;
    fixture.call("Item", BatchCreate, json!({"requests": items(0..3)})).await.unwrap();
    let is = |id: &str, code: &str| json!({"item": {"id": id, "code": code}});
    for (requests, place) in [
        (json!([is("i0", "c1"), is("i1", "c2")]), "requests[1].item.code"),
        (json!([is("i0", "x"), is("i1", "x")]), "requests[1].item.code"),
        (json!([is("i0", "c1"), is("i1", "c1")]), "requests[1].item.code"),
    ] {
        let status = fixture.call("Item", BatchUpdate, json!({ "requests": requests })).await.unwrap_err();
        assert_eq!(refusal(&status), ("NOT_UNIQUE".to_owned(), vec![place.to_owned()]), "{status:?}");
        assert_eq!(status.code(), Code::AlreadyExists);
    }
    assert_eq!(codes(&fixture).await, [code("i0", "c0", 0), code("i1", "c1", 0), code("i2", "c2", 0)]);
}

#[tokio::test]
async fn a_careful_attempt_uses_no_savepoints() {
    let fixture = fixture().await;
    fixture.call("Item", Create, items([999])[0].clone()).await.unwrap();
    // Each savepoint in which something is written takes a number of the transactions' own, which no rollback gives back.
    let last = async || fixture.query("SELECT pg_current_xact_id()::text::bigint").await[0].i64(0).unwrap().unwrap();
    let mut batch = items(0..200);
    batch[190]["item"]["code"] = json!("c999");
    let before = last().await;
    let status = fixture.call("Item", BatchCreate, json!({"requests": batch})).await.unwrap_err();
    assert_eq!(refusal(&status), ("NOT_UNIQUE".into(), vec!["requests[190].item.code".into()]), "{status:?}");
    let used = last().await - before;
    assert!(used < 64, "two attempts, and what goes on beside them: {used}");
}
