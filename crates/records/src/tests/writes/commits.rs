use super::{commit, count, fixture, refusal};
use crate::tests::fixture::Fixture;
use groundplan_model::catalog::MethodKind::{Create, Get};
use groundplan_proto::records::v1::write::Operation;
use groundplan_proto::records::v1::{self, CommitRequest, Isolation, Write};
use prost::Message as _;
use prost_reflect::DynamicMessage;
use prost_types::{Any, FieldMask};
use serde_json::{Value, json};
use tonic::Code;

pub(super) fn any(fixture: &Fixture, model: &str, record: Value) -> Option<Any> {
    let served = fixture.records.served().unwrap();
    let name = format!("test.v1.{model}");
    let descriptor = served.catalog.pool.get_message_by_name(&name).unwrap();
    let value = DynamicMessage::deserialize(descriptor, record).unwrap().encode_to_vec();
    Some(Any { type_url: format!("type.googleapis.com/{name}"), value })
}

pub(super) fn write(operation: Operation, condition: &str) -> Write {
    Write { operation: Some(operation), condition: condition.to_owned() }
}

pub(super) fn create(fixture: &Fixture, model: &str, record: Value, local_ref: &str) -> Write {
    write(Operation::Create(v1::Create { record: any(fixture, model, record), local_ref: local_ref.into() }), "")
}

pub(super) fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() })
}

pub(super) fn of(writes: Vec<Write>) -> CommitRequest {
    CommitRequest { writes, ..CommitRequest::default() }
}

#[tokio::test]
async fn records_of_several_models_refer_to_each_other() {
    let fixture = fixture().await;
    let writes = vec![
        create(&fixture, "Order", json!({"id": "o"}), "order"),
        create(&fixture, "Item", json!({"id": "i", "orderId": "$order"}), ""),
    ];
    let answer = commit(&fixture, of(writes)).await.unwrap();
    assert_eq!((answer.results.len(), answer.attempts), (2, 1));
    assert_eq!(fixture.call("Item", Get, json!({"id": "i"})).await.unwrap()["orderId"], "o");
    let update = |id: &str| {
        write(
            Operation::Update(v1::Update {
                record: any(&fixture, "Order", json!({"id": id})),
                ..v1::Update::default()
            }),
            "",
        )
    };
    for (writes, place, words) in [
        (vec![update("$order"), create(&fixture, "Order", json!({"id": "y"}), "order")], "update.record.id", "later"),
        (
            vec![create(&fixture, "Item", json!({"id": "x", "orderId": "$nobody"}), "")],
            "create.record.order_id",
            "no write",
        ),
        (
            vec![create(&fixture, "Item", json!({"id": "x", "orderId": "$it"}), "it")],
            "create.record.order_id",
            "not of",
        ),
    ] {
        let status = commit(&fixture, of(writes)).await.unwrap_err();
        assert_eq!(refusal(&status).1, [format!("writes[0].{place}")]);
        assert!(status.message().contains(words), "{}", status.message());
    }
    assert_eq!(count(&fixture, "test_v1.item").await, 1);
}

fn transformed(fixture: &Fixture, record: Value, change: impl FnOnce(&mut v1::Update)) -> Write {
    let mut update = v1::Update { record: any(fixture, "Item", record), ..v1::Update::default() };
    change(&mut update);
    write(Operation::Update(update), "")
}

#[tokio::test]
async fn fields_are_transformed() {
    let fixture = fixture().await;
    let item = json!({"id": "i", "stock": 5, "tags": ["a", "b"], "ratio": 0.5, "big": "7"});
    fixture.call("Item", Create, json!({"item": item})).await.unwrap();
    let writes = vec![
        transformed(&fixture, json!({"id": "i", "stock": -2, "tags": ["c"]}), |update| {
            update.increment = mask(&["stock"]);
            update.append = mask(&["tags"]);
            update.server_time = mask(&["touched_at"]);
        }),
        transformed(&fixture, json!({"id": "i", "tags": ["a"], "ratio": 0.75, "big": "3"}), |update| {
            update.remove = mask(&["tags"]);
            update.maximum = mask(&["ratio"]);
            update.minimum = mask(&["big"]);
        }),
    ];
    commit(&fixture, of(writes)).await.unwrap();
    let item = fixture.call("Item", Get, json!({"id": "i"})).await.unwrap();
    assert_eq!(item["stock"], 3);
    assert_eq!(item["tags"], json!(["b", "c"]));
    assert_eq!((&item["ratio"], &item["big"]), (&json!(0.75), &json!("3")));
    assert!(item["touchedAt"].is_string());
    for (record, paths, place) in [
        (json!({"id": "i"}), ["tags"], "writes[0].update.increment"),
        (json!({"id": "i"}), ["nothing"], "writes[0].update.increment"),
        (json!({"id": "i", "stock": i32::MAX}), ["stock"], "writes[0].update.record.stock"),
        (json!({"id": "i", "stock": -4}), ["stock"], "writes[0].update.record.stock"),
    ] {
        let write = transformed(&fixture, record, |update| update.increment = mask(&paths));
        let status = commit(&fixture, of(vec![write])).await.unwrap_err();
        assert_eq!((status.code(), refusal(&status).1), (Code::InvalidArgument, vec![place.to_owned()]), "{status:?}");
    }
}

#[tokio::test]
async fn conditions_and_verifications_hold_or_nothing_happens() {
    let fixture = fixture().await;
    fixture.call("Item", Create, json!({"item": {"id": "i", "stock": 1}})).await.unwrap();
    let verify = |id: &str, missing, condition: &str| {
        let verify = v1::Verify { model: "test.v1.Item".into(), id: id.into(), etag: String::new(), missing };
        write(Operation::Verify(verify), condition)
    };
    let order = || create(&fixture, "Order", json!({"id": "o"}), "");
    for (verified, reason) in [
        (verify("i", false, "stock >= 2"), "CONDITION_NOT_MET"),
        (verify("i", true, ""), "CONDITION_NOT_MET"),
        (verify("nobody", false, ""), "RECORD_NOT_FOUND"),
        (verify("i", false, "stok >= 2"), "FILTER_INVALID"),
    ] {
        let status = commit(&fixture, of(vec![order(), verified])).await.unwrap_err();
        assert_eq!(refusal(&status).0, reason);
        assert!(status.message().starts_with("writes[1]"), "{}", status.message());
    }
    assert_eq!(count(&fixture, "test_v1.\"order\"").await, 0);
    let writes = vec![verify("i", false, "stock == 1"), verify("nobody", true, ""), order()];
    commit(&fixture, of(writes)).await.unwrap();
}

#[tokio::test]
async fn serializable_commits_that_meet_are_repeated_and_lose_nothing() {
    let fixture = fixture().await;
    fixture.call("Item", Create, json!({"item": {"id": "i"}})).await.unwrap();
    let increment = || {
        let write = transformed(&fixture, json!({"id": "i", "stock": 1}), |update| update.increment = mask(&["stock"]));
        let isolation = Isolation::Serializable.into();
        commit(&fixture, CommitRequest { writes: vec![write], isolation, ..CommitRequest::default() })
    };
    let answers = futures_util::future::join_all((0..8).map(|_| increment())).await;
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(refused.code(), Code::Aborted, "{refused:?}");
    }
    assert!(done > 0);
    assert_eq!(fixture.call("Item", Get, json!({"id": "i"})).await.unwrap()["stock"], done);
}

#[tokio::test]
async fn a_record_does_not_grow_beyond_what_a_message_carries() {
    let fixture = fixture().await;
    let item = json!({"id": "i", "tags": ["x".repeat(3 << 20)]});
    commit(&fixture, of(vec![create(&fixture, "Item", item.clone(), "")])).await.unwrap();
    let append = v1::Update { record: any(&fixture, "Item", item), append: mask(&["tags"]), ..v1::Update::default() };
    let status = commit(&fixture, of(vec![write(Operation::Update(append), "")])).await.unwrap_err();
    assert_eq!(refusal(&status).0, "TOO_LARGE");
    assert!(status.message().starts_with("writes[0].update.record: the Item would have"), "{}", status.message());
}
