use super::{count, fixture, items, refusal};
use groundplan_model::catalog::MethodKind::{BatchCreate, BatchDelete, BatchUpdate, Create, Delete, Get};
use serde_json::json;
use tonic::Code;

#[tokio::test]
async fn a_thousand_at_once_in_order() {
    let fixture = fixture().await;
    let created = fixture.call("Item", BatchCreate, json!({"requests": items(0..1_000)})).await.unwrap();
    let created = created["items"].as_array().unwrap();
    assert_eq!(created.len(), 1_000);
    assert!(created.iter().enumerate().all(|(at, item)| item["id"] == format!("i{at}")));
    let updates: Vec<_> =
        (0..1_000).rev().map(|at| json!({"item": {"id": format!("i{at}"), "stock": at + 1}})).collect();
    let updated = fixture.call("Item", BatchUpdate, json!({"requests": updates})).await.unwrap();
    assert_eq!(updated["items"][0]["stock"], 1_000);
    assert_eq!(updated["items"][999]["code"], "c0");
    let deletes: Vec<_> = (0..1_000).map(|at| json!({"id": format!("i{at}")})).collect();
    fixture.call("Item", BatchDelete, json!({"requests": deletes})).await.unwrap();
    assert_eq!(count(&fixture, "test_v1.item").await, 0);
    assert_eq!(count(&fixture, "groundplan_records.events").await, 3_000);
}

#[tokio::test]
async fn one_wrong_request_refuses_all_and_is_named() {
    let fixture = fixture().await;
    fixture.call("Item", Create, items([500])[0].clone()).await.unwrap();
    let mut broken = items(0..1_000);
    broken.remove(500);
    broken[700]["item"]["stock"] = json!(-1);
    let status = fixture.call("Item", BatchCreate, json!({"requests": broken})).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["requests[700].item.stock"]);
    let status = fixture.call("Item", BatchCreate, json!({"requests": items(0..1_000)})).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert!(status.message().starts_with("requests[500]: "), "{}", status.message());
    let mut clash = items(0..1_000);
    clash.remove(500);
    clash[800]["item"]["code"] = json!("c500");
    let status = fixture.call("Item", BatchCreate, json!({"requests": clash})).await.unwrap_err();
    assert_eq!(refusal(&status), ("NOT_UNIQUE".into(), vec!["requests[800].item.code".into()]), "{status:?}");
    let mut dangling = items(0..100);
    dangling[42]["item"]["orderId"] = json!("nobody");
    let status = fixture.call("Item", BatchCreate, json!({"requests": dangling})).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["requests[42].item.order_id"], "{status:?}");
    assert_eq!(count(&fixture, "test_v1.item").await, 1);
}

#[tokio::test]
async fn what_a_batch_cannot_be() {
    let fixture = fixture().await;
    for (kind, request, place) in [
        (BatchCreate, json!({"requests": items([1, 2, 1])}), "requests[2].item.id"),
        (BatchCreate, json!({}), "requests"),
        (BatchCreate, json!({"requests": items(0..1_001)}), "requests"),
        (BatchCreate, json!({"requests": [{"item": {"id": "a"}, "requestId": "x"}]}), "requests[0].request_id"),
        (BatchUpdate, json!({"requests": [{"item": {"id": "a"}}, {"item": {"id": "a"}}]}), "requests[1].item.id"),
        (BatchDelete, json!({"requests": [{"id": "a"}, {"id": "/"}]}), "requests[1].id"),
    ] {
        let status = fixture.call("Item", kind, request).await.unwrap_err();
        assert_eq!((status.code(), refusal(&status).1), (Code::InvalidArgument, vec![place.to_owned()]), "{status:?}");
    }
}

#[tokio::test]
async fn missing_records_are_created_where_that_is_allowed() {
    let fixture = fixture().await;
    fixture.call("Item", Create, json!({"item": {"id": "a", "stock": 1}})).await.unwrap();
    let request = json!({"requests": [
        {"item": {"id": "a", "stock": 5, "code": "x"}, "updateMask": "stock", "allowMissing": true},
        {"item": {"id": "b", "stock": 7, "code": "y"}, "updateMask": "stock", "allowMissing": true},
    ]});
    let answer = fixture.call("Item", BatchUpdate, request).await.unwrap();
    assert_eq!(answer["items"][0], json!({"id": "a", "stock": 5}));
    assert_eq!(answer["items"][1], json!({"id": "b", "stock": 7, "code": "y"}), "the mask is for what is there");
    let gone = json!({"requests": [{"id": "a"}, {"id": "nobody", "allowMissing": true}]});
    fixture.call("Item", BatchDelete, gone).await.unwrap();
    assert_eq!(fixture.call("Item", Get, json!({"id": "a"})).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_foreign_key_of_somebodys_own_keeps_records_from_being_deleted_together() {
    let fixture = fixture().await;
    fixture.call("Item", Create, items([1])[0].clone()).await.unwrap();
    fixture
        .query("CREATE TABLE theirs (tenant text COLLATE \"C\", item text COLLATE \"C\", FOREIGN KEY (tenant, item) REFERENCES test_v1.item)")
        .await;
    fixture.query("INSERT INTO theirs VALUES ('default', 'i1')").await;
    for status in [
        fixture.call("Item", BatchDelete, json!({"requests": [{"id": "i1"}]})).await.unwrap_err(),
        fixture.call("Item", Delete, json!({"id": "i1"})).await.unwrap_err(),
    ] {
        assert_eq!((status.code(), refusal(&status).0.as_str()), (Code::FailedPrecondition, "RECORD_REFERENCED"));
    }
}
