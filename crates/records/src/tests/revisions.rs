//! A change of the served revision.

use super::fixture::{Fixture, thing};
use groundplan_model::catalog::MethodKind::{Create, Get};
use serde_json::json;

#[tokio::test]
async fn new_field_leaves_records_unchanged() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &thing("string code = 2;")).await.unwrap();
    let created = fixture.call("Thing", Create, json!({"thing": {"code": "a"}})).await.unwrap();
    fixture.apply(2, &thing("string code = 2;\nint64 size = 3;\nrepeated string tags = 4;")).await.unwrap();
    assert_eq!(fixture.call("Thing", Get, json!({"id": created["id"]})).await.unwrap(), created);
    let larger =
        fixture.call("Thing", Create, json!({"thing": {"code": "b", "size": "7", "tags": ["x"]}})).await.unwrap();
    assert_eq!(fixture.call("Thing", Get, json!({"id": larger["id"]})).await.unwrap(), larger);
}
