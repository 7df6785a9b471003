//! Models with soft deletes.

use crate::memory::{Asked, Memory};
use crate::openapi_queries::parameters;
use crate::support::{Client, catalog};
use crate::writes::written;
use groundplan_model::catalog::Catalog;
use groundplan_operations::{ListQuery, Operation};
use groundplan_rest::openapi;
use serde_json::{Value, json};
use std::sync::Arc;

// Clippy allows `unwrap` in tests by default, but not in their helpers.
#[cfg(test)]
fn models() -> Arc<Catalog> {
    catalog(&[("shop/v1/lifetimes.proto", include_str!("lifetimes.proto"))])
}

/// Two items, and an order.
#[cfg(test)]
async fn shop() -> (Client, Memory) {
    let memory = Memory::new(models());
    let client = Client(groundplan_rest::router(memory.clone(), 10_000));
    for (resource, body) in
        [("lineItems", r#"{"id":"i1"}"#), ("lineItems", r#"{"id":"i2"}"#), ("orders", r#"{"id":"o"}"#)]
    {
        let answer = client.send(&format!("POST /api/v1/{resource}"), &[], body).await;
        assert_eq!(answer.status, 201, "{:?}", answer.bytes);
    }
    (client, memory)
}

#[tokio::test]
async fn a_soft_delete_returns_the_record() {
    let (client, _) = shop().await;
    let deleted = client.send("DELETE /api/v1/lineItems/i1", &["if-match: \"a\""], "").await;
    assert_eq!((deleted.status.as_u16(), deleted.header("etag")), (200, "\"b\""));
    assert_eq!(deleted.json()["data"]["id"], "i1");
    let tried = client.send("DELETE /api/v1/lineItems/i2?validateOnly=true", &[], "").await;
    assert_eq!((tried.status.as_u16(), tried.header("etag")), (200, ""));
    assert_eq!(client.send("DELETE /api/v1/lineItems/x?allowMissing=true", &[], "").await.status, 204);
    assert_eq!(client.send("DELETE /api/v1/orders/o", &[], "").await.status, 204);
    let body = r#"{"requests":[{"id":"i1"},{"id":"x","allowMissing":true},{"id":"i2"}]}"#;
    let batch = client.send("POST /api/v1/lineItems:batchDelete", &[], body).await;
    let ids: Vec<Value> = batch.json()["data"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    assert_eq!((batch.status.as_u16(), ids), (200, vec![json!("i1"), json!("i2")]));
}

#[tokio::test]
async fn undelete_restores_a_record() {
    let (client, memory) = shop().await;
    let undelete = "POST /api/v1/lineItems/i1:undelete";
    let plain = client.send(undelete, &[], "").await;
    assert_eq!(
        (plain.status.as_u16(), plain.header("etag"), &plain.json()["data"]["id"]),
        (200, "\"b\"", &json!("i1"))
    );
    assert_eq!(written(&memory).list[0].operation, Operation::Undelete { id: "i1".into(), etag: String::new() });
    let body = r#"{"etag":"b","requestId":"r","validateOnly":true}"#;
    let tried = client.send(undelete, &["content-type: application/json"], body).await;
    assert_eq!((tried.status.as_u16(), tried.header("etag")), (200, ""));
    let writes = written(&memory);
    assert_eq!((writes.request_id.as_str(), writes.validate_only), ("r", true));
    assert_eq!(writes.list[0].operation, Operation::Undelete { id: "i1".into(), etag: "b".into() });
    assert_eq!(client.send(undelete, &[], r#"{"etag":"9"}"#).await.status, 409);
    assert_eq!(client.send(undelete, &["if-match: \"9\""], "").await.status, 412);
    assert_eq!(client.send(undelete, &["if-match: \"b\"", "idempotency-key: k"], "{}").await.status, 200);
    assert_eq!(written(&memory).request_id, "k");
    assert_eq!(client.send("POST /api/v1/lineItems/x:undelete", &[], "").await.status, 404);
}

#[tokio::test]
async fn an_invalid_undelete_is_rejected() {
    let (client, memory) = shop().await;
    let asked = memory.questions();
    let undelete = "POST /api/v1/lineItems/i1:undelete";
    for (body, message) in [
        (r#"{"id":"i1"}"#, "\"id\" is not a known key; these are: etag, requestId, validateOnly"),
        (r#"{"etag":1}"#, "\"etag\" must be a string, not a number"),
        ("[]", "the body must be a JSON object, not an array"),
    ] {
        let answer = client.send(undelete, &[], body).await;
        assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (400, message), "{body}");
    }
    assert_eq!(client.send(&format!("{undelete}?etag=a"), &[], "").await.status, 400);
    assert_eq!(client.send(undelete, &["content-type: text/plain"], "{}").await.status, 415);
    let get = client.send("GET /api/v1/lineItems/i1:undelete", &[], "").await;
    assert_eq!((get.status.as_u16(), get.header("allow")), (405, "POST, OPTIONS"));
    let options = client.send("OPTIONS /api/v1/lineItems/i1:undelete", &[], "").await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (204, "POST, OPTIONS"));
    let typo = client.send("POST /api/v1/lineItems/i1:undelet", &[], "").await;
    assert!(typo.error().1.ends_with("the nearest is /api/v1/lineItems/{id}:undelete"), "{}", typo.error().1);
    let none = client.send("POST /api/v1/orders/o:undelete", &[], "").await;
    assert_eq!((none.status.as_u16(), none.error().0.as_str()), (404, "NOT_FOUND"));
    assert!(none.error().1.contains("shop.v1.Order keeps no deleted records"), "{}", none.error().1);
    assert_eq!(memory.questions(), asked);
}

#[tokio::test]
async fn lists_return_deleted_records_on_request() {
    let (client, memory) = shop().await;
    for (path, is_related) in [("lineItems", false), ("orders/o/line_items", true)] {
        for (query, show_deleted) in [("", false), ("?showDeleted=false", false), ("?showDeleted=true", true)] {
            assert_eq!(client.send(&format!("GET /api/v1/{path}{query}"), &[], "").await.status, 200);
            let (Asked::List(asked) | Asked::Related(_, _, asked)) = memory.asked() else { panic!() };
            assert_eq!(asked, ListQuery { show_deleted, ..ListQuery::default() }, "{path}{query}");
            assert_eq!(matches!(memory.asked(), Asked::Related(..)), is_related);
        }
    }
    let next = client.send("GET /api/v1/lineItems?showDeleted=true&pageSize=1", &[], "").await;
    assert!(next.header("link").contains("showDeleted=true"), "{}", next.header("link"));
    let bad = client.send("GET /api/v1/lineItems?showDeleted=yes", &[], "").await;
    assert_eq!(bad.error().1, "\"showDeleted\" must be true or false");
    let none = client.send("GET /api/v1/orders?showDeleted=true", &[], "").await;
    assert!(none.error().1.starts_with("\"showDeleted\" needs deleted records, which shop.v1.Order does not keep"));
}

#[tokio::test]
async fn keys_of_records_are_in_lower_camel() {
    let (client, _) = shop().await;
    for key in ["lineItem", "line_item"] {
        let body = format!(r#"{{"requests":[{{"{key}":{{"id":"i1","etag":"a","title":1}}}}]}}"#);
        let wrong = client.send("POST /api/v1/lineItems:batchUpdate", &[], body).await;
        assert_eq!(wrong.error().1, "\"requests[0].lineItem.title\" must be a string, not a number");
    }
    let both = r#"{"requests":[{"lineItem":{"id":"i1","etag":"a"},"etag":"b"}]}"#;
    let answer = client.send("POST /api/v1/lineItems:batchUpdate", &[], both).await;
    assert_eq!(answer.error().1, "\"requests[0].etag\" is not the etag in lineItem; send one of them");
    let same = r#"{"requests":[{"lineItem":{"id":"i1","etag":"a"},"etag":"\"a\""}]}"#;
    assert_eq!(client.send("POST /api/v1/lineItems:batchUpdate", &[], same).await.status, 200);
    let stale = r#"{"requests":[{"lineItem":{"id":"i1","etag":"9"}}]}"#;
    assert_eq!(client.send("POST /api/v1/lineItems:batchUpdate", &[], stale).await.status, 409);
}

#[test]
fn the_document_has_undelete_only_for_soft_deletes() {
    let document = openapi(&models());
    let paths = &document["paths"];
    for (path, kept) in
        [("lineItems", true), ("lineItems:explainList", true), ("orders/{id}/line_items", true), ("orders", false)]
    {
        assert_eq!(parameters(&paths[format!("/api/v1/{path}")]["get"]).contains(&"showDeleted"), kept, "{path}");
    }
    let undelete = &paths["/api/v1/lineItems/{id}:undelete"];
    assert_eq!(
        (&undelete["post"]["operationId"], &undelete["parameters"][0]["name"]),
        (&json!("undeleteLineItem"), &json!("id"))
    );
    assert_eq!(undelete["post"]["requestBody"]["required"], false);
    assert_eq!(paths.get("/api/v1/orders/{id}:undelete"), None);
    let answers = |path: &str, verb: &str| -> Vec<String> {
        let responses = paths[path][verb]["responses"].as_object().unwrap();
        responses.keys().filter(|status| status.starts_with('2')).cloned().collect()
    };
    assert_eq!(answers("/api/v1/lineItems/{id}", "delete"), ["200", "204"]);
    assert_eq!(answers("/api/v1/orders/{id}", "delete"), ["204"]);
    assert_eq!(answers("/api/v1/lineItems:batchDelete", "post"), ["200"]);
    assert_eq!(answers("/api/v1/orders:batchDelete", "post"), ["204"]);
    let deleted_at = &document["components"]["schemas"]["shop.v1.LineItem-Input"]["properties"]["deletedAt"];
    assert_eq!(deleted_at["readOnly"], true);
}
