use super::{count, fixture, items, refusal};
use groundplan_model::catalog::MethodKind::{BatchCreate, BatchDelete, BatchUpdate, Create, Delete, Get};
use serde_json::json;
use tonic::Code;
use tonic_types::StatusExt as _;

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
async fn all_wrong_requests_are_named_in_order() {
    let fixture = fixture().await;
    fixture.call("Item", BatchCreate, json!({"requests": items(0..6)})).await.unwrap();
    let item = |at: usize, stock: i32| json!({"item": {"id": format!("i{at}"), "stock": stock}});
    let masked = |at: usize, mask: &str| json!({"item": {"id": format!("i{at}"), "stock": 1}, "updateMask": mask});
    for (kind, requests, places) in [
        (
            BatchCreate,
            json!([item(10, -1), item(11, 1), {"item": {"id": "/"}}, item(13, -2), {"item": {}}]),
            vec!["requests[0].item.stock", "requests[2].item.id", "requests[3].item.stock", "requests[4].item.id"],
        ),
        (
            BatchCreate,
            json!([item(10, 1), item(11, -1), item(12, -1)]),
            vec!["requests[1].item.stock", "requests[2].item.stock"],
        ),
        (
            BatchCreate,
            json!([item(10, 1), item(11, 1), item(10, 1), item(11, 1)]),
            vec!["requests[2].item.id", "requests[3].item.id"],
        ),
        (
            BatchUpdate,
            json!([item(0, -1), item(1, 1), item(2, -1), item(99, 1), item(3, -3)]),
            vec!["requests[0].item.stock", "requests[2].item.stock", "requests[4].item.stock"],
        ),
        (BatchUpdate, json!([masked(0, "stok"), masked(1, "stock"), masked(2, "")]), vec!["requests[0].update_mask"]),
        (
            BatchUpdate,
            json!([masked(0, "stok"), masked(1, "stock"), masked(2, "cod")]),
            vec!["requests[0].update_mask", "requests[2].update_mask"],
        ),
        (BatchDelete, json!([{"id": "i0"}, {"id": "/"}, {"id": ""}]), vec!["requests[1].id", "requests[2].id"]),
    ] {
        let status = fixture.call("Item", kind, json!({"requests": requests})).await.unwrap_err();
        let (reason, fields) = refusal(&status);
        assert_eq!((reason.as_str(), fields), ("INVALID_FIELDS", places.iter().map(ToString::to_string).collect()));
        assert!(!status.get_error_details().error_info().unwrap().metadata.contains_key("moreViolations"));
    }
    let missing = json!({"requests": [item(99, 1), item(0, -1)]});
    let status = fixture.call("Item", BatchUpdate, missing).await.unwrap_err();
    assert_eq!(refusal(&status), ("RECORD_NOT_FOUND".to_owned(), vec![]), "what comes first decides");
    let requests: Vec<_> = (0..1_000).map(|at| item(at, -1)).collect();
    let status = fixture.call("Item", BatchCreate, json!({"requests": requests})).await.unwrap_err();
    let (_, fields) = refusal(&status);
    assert!((30..=100).contains(&fields.len()), "{}", fields.len());
    assert_eq!(fields[29], "requests[29].item.stock");
    assert!(status.details().len() * 4 / 3 + status.message().len() < 8_000, "clients take the header");
    assert_eq!(status.get_error_details().error_info().unwrap().metadata["moreViolations"], "true");
    assert_eq!(count(&fixture, "test_v1.item").await, 6);
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
