use super::{count, fixture, items, refusal};
use groundplan_model::catalog::MethodKind::{BatchCreate, Create, Delete, Update};
use serde_json::json;

#[tokio::test]
async fn concurrent_repeats_have_one_effect_and_one_answer() {
    let fixture = fixture().await;
    let request = json!({"order": {"id": "o"}, "requestId": "r"});
    let calls = (0..20).map(|_| fixture.call("Order", Create, request.clone()));
    let answers = futures_util::future::join_all(calls).await;
    let first = answers[0].as_ref().unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == first), "{answers:?}");
    assert_eq!(count(&fixture, "groundplan_records.events").await, 1);
    // The record changes after the first response, but the repeated response is the same.
    fixture.call("Order", Update, json!({"order": {"id": "o", "number": "7"}})).await.unwrap();
    let repeat = fixture.call_with_metadata("Order", Create, request).await.unwrap();
    assert_eq!(repeat.metadata().get("idempotency-replayed").unwrap(), "true");
    assert_eq!(repeat.get_ref(), first);
}

#[tokio::test]
async fn a_request_id_is_for_one_content_of_one_method() {
    let fixture = fixture().await;
    let one = json!({"item": {"id": "a", "stock": 1}, "requestId": "r"});
    fixture.call("Item", Create, one).await.unwrap();
    let other = json!({"item": {"id": "a", "stock": 2}, "requestId": "r"});
    let status = fixture.call("Item", Create, other).await.unwrap_err();
    assert_eq!(refusal(&status).0, "REQUEST_ID_REUSED");
    fixture.call("Item", Delete, json!({"id": "a", "requestId": "r"})).await.unwrap();
    fixture.call("Item", Delete, json!({"id": "a", "requestId": "r"})).await.unwrap();
    fixture.call("Item", BatchCreate, json!({"requests": items([1]), "requestId": "r"})).await.unwrap();
    for wrong in ["a b", "é", &"x".repeat(129)] {
        let status = fixture.call("Item", Create, json!({"item": {"id": "b"}, "requestId": wrong})).await.unwrap_err();
        assert_eq!(refusal(&status).1, ["request_id"]);
    }
}

#[tokio::test]
async fn a_refused_call_leaves_its_request_id_free() {
    let fixture = fixture().await;
    let request = json!({"item": {"id": "a", "orderId": "o"}, "requestId": "r"});
    fixture.call("Item", Create, request.clone()).await.unwrap_err();
    fixture.call("Order", Create, json!({"order": {"id": "o"}})).await.unwrap();
    fixture.call("Item", Create, request).await.unwrap();
}

#[tokio::test]
async fn validation_only_checks_everything_and_writes_nothing() {
    let fixture = fixture().await;
    fixture.call("Item", Create, items([1])[0].clone()).await.unwrap();
    let valid = json!({"item": {"id": "b", "stock": 3}, "validateOnly": true, "requestId": "r"});
    assert_eq!(fixture.call("Item", Create, valid).await.unwrap()["stock"], 3);
    for (item, reason) in [
        (json!({"id": "b", "code": "c1"}), "NOT_UNIQUE"),
        (json!({"id": "b", "orderId": "nobody"}), "INVALID_FIELDS"),
        (json!({"id": "i1"}), "RECORD_EXISTS"),
        (json!({"id": "b", "stock": -1}), "INVALID_FIELDS"),
    ] {
        let status = fixture.call("Item", Create, json!({"item": item, "validateOnly": true})).await.unwrap_err();
        assert_eq!(refusal(&status).0, reason);
    }
    fixture.call("Item", Delete, json!({"id": "i1", "validateOnly": true})).await.unwrap();
    assert_eq!(count(&fixture, "test_v1.item").await, 1);
    assert_eq!(count(&fixture, "groundplan_records.events").await, 1);
    assert_eq!(count(&fixture, "groundplan_records.request_ids").await, 0);
}
