//! Statuses, headers and envelopes of the router.

use crate::memory::Memory;
use crate::support::{Client, catalog};
use ::http::Request;
use serde_json::json;

const MODELS: &str = r#"
syntax = "proto3";
package example.v1;
import "groundplan/model/v1/model.proto";
message Entity {
  option (groundplan.model.v1.model) = { resource: "resource" };
  string id = 1;
  string field1 = 2;
  double field2 = 3;
  optional string note = 4;
}
message Tagged {
  option (groundplan.model.v1.model) = { resource: "tagged", id_format: ID_FORMAT_CLIENT_ASSIGNED };
  string id = 1;
  string etag = 2;
  string text = 3;
}
"#;

const MAX_BODY: usize = 10_000;

const ID: &str = "00000000-0000-7000-8000-000000000000";

fn client() -> Client {
    Client(groundplan_rest::router(Memory::new(catalog(&[("example/v1/models.proto", MODELS)])), MAX_BODY))
}

async fn client_with_entity() -> (Client, String) {
    let client = client();
    let body = r#"{"field1":"value","field2":123,"note":"n"}"#;
    assert_eq!(client.send("POST /api/v1/resource", &[], body).await.status, 201);
    (client, format!("/api/v1/resource/{ID}"))
}

#[tokio::test]
async fn a_record_is_created_and_read() {
    let client = client();
    let created = client.send("POST /api/v1/resource", &[], r#"{"field1":"value","field2":123}"#).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header("location"), format!("/api/v1/resource/{ID}"));
    assert_eq!((created.header("etag"), created.header("content-type")), ("\"a\"", "application/json"));
    assert_eq!(created.header("groundplan-revision"), "0");
    assert_eq!(created.json()["data"]["field1"], "value");
    let read = client.send(&format!("GET {}", created.header("location")), &[], "").await;
    assert_eq!((read.status.as_u16(), read.bytes), (200, created.bytes));
}

#[tokio::test]
async fn a_list_has_pages() {
    let client = client();
    let empty = client.send("GET /api/v1/tagged", &[], "").await;
    assert_eq!(empty.bytes, r#"{"data":[],"nextPageToken":""}"#);
    for id in ["a", "b", "c"] {
        let created = client.send("POST /api/v1/tagged", &[], format!(r#"{{"id":"{id}","text":"{id}"}}"#)).await;
        assert_eq!(created.status, 201);
    }
    let first = client.send("GET /api/v1/tagged?pageSize=2", &[], "").await.json();
    assert_eq!((first["data"].as_array().unwrap().len(), &first["nextPageToken"]), (2, &json!("2")));
    let last = client.send("GET /api/v1/tagged?pageSize=2&pageToken=2", &[], "").await.json();
    assert_eq!((&last["data"][0]["id"], &last["nextPageToken"]), (&json!("c"), &json!("")));
    let typo = client.send("GET /api/v1/tagged?page_size=2", &[], "").await;
    assert_eq!((typo.status.as_u16(), typo.header("groundplan-revision")), (400, "0"));
    assert!(typo.error().1.ends_with("the nearest is pageSize"));
}

#[tokio::test]
async fn conditional_reads() {
    let (client, path) = client_with_entity().await;
    for (tags, status) in [("\"a\"", 304), ("W/\"a\"", 304), ("*", 304), ("\"x\", \"a\"", 304), ("\"b\"", 200)] {
        let answer = client.send(&format!("GET {path}"), &[&format!("if-none-match: {tags}")], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (status, "\"a\""), "{tags}");
        assert_eq!(answer.bytes.is_empty(), status == 304);
    }
    let missing = client.send("GET /api/v1/resource/none", &["if-none-match: *"], "").await;
    assert_eq!((missing.status.as_u16(), missing.error().0.as_str()), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn patch_changes_the_fields_whose_keys_are_present() {
    let (client, path) = client_with_entity().await;
    let patched = client.send(&format!("PATCH {path}"), &[], r#"{"field2":0,"note":null}"#).await;
    assert_eq!((patched.status.as_u16(), patched.header("etag")), (200, "\"b\""));
    assert_eq!(patched.json(), json!({ "data": { "id": ID, "field1": "value", "field2": 0 } }));
    let same = client.send(&format!("PATCH {path}"), &[], "{}").await;
    assert_eq!(same.json(), patched.json());
}

#[tokio::test]
async fn put_replaces_all_fields() {
    let (client, path) = client_with_entity().await;
    let replaced = client.send(&format!("PUT {path}"), &[], format!(r#"{{"id":"{ID}","field1":"new"}}"#)).await;
    assert_eq!(replaced.json(), json!({ "data": { "id": ID, "field1": "new", "field2": 0 } }));
    let contradicted = client.send(&format!("PUT {path}"), &[], r#"{"id":"other"}"#).await;
    assert_eq!(contradicted.status, 400);
    assert!(contradicted.error().1.starts_with("Id is \"other\" in the body"), "{}", contradicted.error().1);
    for method in ["PUT", "PATCH"] {
        let missing = client.send(&format!("{method} /api/v1/resource/none"), &["if-match: *"], "{}").await;
        assert_eq!(missing.status, 404, "{method}");
    }
}

#[tokio::test]
async fn the_document_is_not_sent_again_to_clients_that_cache_it() {
    let client = client();
    let first = client.send("GET /api/openapi.json", &[], "").await;
    let etag = first.header("etag").to_owned();
    assert!(first.status == 200 && etag.starts_with("W/\"") && !first.bytes.is_empty(), "{etag}");
    for known in [etag.as_str(), etag.trim_start_matches("W/"), "*", &format!("\"x\", {etag}")] {
        let again = client.send("GET /api/openapi.json", &[&format!("if-none-match: {known}")], "").await;
        assert_eq!(
            (again.status.as_u16(), again.bytes.len(), again.header("etag")),
            (304, 0, etag.as_str()),
            "{known}"
        );
    }
    assert_eq!(client.send("GET /api/openapi.json", &["if-none-match: \"x\""], "").await.status, 200);
}

#[tokio::test]
async fn conditional_writes() {
    let (client, path) = client_with_entity().await;
    let refused = client.send(&format!("DELETE {path}"), &["if-match: \"9\""], "").await;
    assert_eq!((refused.status.as_u16(), refused.error().0.as_str()), (412, "CONFLICT"));
    let foreign = client.send(&format!("DELETE {path}"), &["if-match: \"abc-xyz\""], "").await;
    assert_eq!((foreign.status.as_u16(), foreign.error().0.as_str()), (412, "CONFLICT"));
    let foreign = client.send(&format!("DELETE {path}?etag=abc-xyz"), &[], "").await;
    assert_eq!((foreign.status.as_u16(), foreign.error().0.as_str()), (400, "INVALID_INPUT"));
    let several = client.send(&format!("PATCH {path}"), &["if-match: \"9\", \"a\""], "{}").await;
    assert_eq!((several.status.as_u16(), several.header("etag")), (200, "\"b\""));
    assert_eq!(client.send(&format!("PUT {path}"), &["if-match: W/\"b\""], "{}").await.status, 400);
    assert_eq!(client.send(&format!("PUT {path}"), &["if-none-match: *"], "{}").await.status, 412);
    let by_query = client.send(&format!("DELETE {path}?etag=9"), &[], "").await;
    assert_eq!((by_query.status.as_u16(), by_query.error().0.as_str()), (409, "CONFLICT"));
    assert_eq!(client.send(&format!("DELETE {path}"), &[], "{}").await.status, 400);
    let deleted = client.send(&format!("DELETE {path}"), &["if-match: \"b\""], "").await;
    assert_eq!((deleted.status.as_u16(), deleted.bytes.len()), (204, 0));
    assert_eq!(client.send(&format!("DELETE {path}"), &[], "").await.status, 404);
}

#[tokio::test]
async fn an_etag_in_the_body_is_a_condition() {
    let client = client();
    client.send("POST /api/v1/tagged", &[], r#"{"id":"x","text":"1"}"#).await;
    let stale = client.send("PATCH /api/v1/tagged/x", &[], r#"{"etag":"9","text":"2"}"#).await;
    assert_eq!((stale.status.as_u16(), stale.error().0.as_str()), (409, "CONFLICT"));
    let both = client.send("PATCH /api/v1/tagged/x", &["if-match: \"a\""], r#"{"etag":"9","text":"2"}"#).await;
    assert_eq!(both.status, 400, "two etags that differ");
    let fresh = client.send("PUT /api/v1/tagged/x", &[], r#"{"etag":"\"a\"","text":"2"}"#).await;
    assert_eq!(fresh.json(), json!({ "data": { "id": "x", "etag": "b", "text": "2" } }));
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let (client, path) = client_with_entity().await;
    for path in [path.as_str(), "/api/v1/resource", "/api/openapi.json"] {
        let get = client.send(&format!("GET {path}"), &[], "").await;
        let head = client.send(&format!("HEAD {path}"), &[], "").await;
        assert_eq!((head.status, head.bytes.len()), (get.status, 0));
        assert_eq!(head.header("content-length"), get.bytes.len().to_string());
        assert_eq!(head.header("etag"), get.header("etag"));
    }
}

#[tokio::test]
async fn unsupported_http_methods_are_rejected_with_the_supported_ones() {
    let (client, path) = client_with_entity().await;
    for (path, allow) in [
        (path.as_str(), "GET, HEAD, PATCH, PUT, DELETE, OPTIONS"),
        ("/api/v1/resource", "GET, HEAD, POST, OPTIONS"),
        ("/api/openapi.json", "GET, HEAD, OPTIONS"),
        ("/api/v1/resource:batchGet", "POST, OPTIONS"),
        ("/api/v1/resource:batchCreate", "POST, OPTIONS"),
        ("/api/v1/resource:batchUpdate", "POST, OPTIONS"),
        ("/api/v1/resource:batchDelete", "POST, OPTIONS"),
        ("/api:commit", "POST, OPTIONS"),
        ("/api/v1/resource:aggregate", "POST, OPTIONS"),
        ("/api/v1/resource:explainList", "GET, HEAD, OPTIONS"),
        ("/api/v1/resource:watch", "GET, OPTIONS"),
    ] {
        let options = client.send(&format!("OPTIONS {path}"), &[], "").await;
        assert_eq!((options.status.as_u16(), options.header("allow")), (204, allow));
        let refused = client.send(&format!("TRACE {path}"), &[], "").await;
        assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, allow));
        assert_eq!(refused.error().0, "UNIMPLEMENTED");
    }
}

#[tokio::test]
async fn unknown_paths_name_the_nearest() {
    let client = client();
    for (path, words) in [
        ("/api/v1/resources", "the nearest is /api/v1/resource"),
        ("/api/v2/tagged/1", "the nearest is /api/v1/tagged"),
        ("/api/v1/resource/", "end: /api/v1/resource"),
        ("/api", "/api/openapi.json"),
        ("/api/", "/api/openapi.json"),
        ("/api//", "/api/openapi.json"),
        (
            "/api/v1/resource:batchget",
            "there is no method /api/v1/resource:batchget; the nearest is /api/v1/resource:batchGet",
        ),
        ("/api/v1/resource:", "the nearest is /api/v1/resource:"),
        ("/api/v1/resources:batchGet", "there is no collection /api/v1/resources; the nearest is /api/v1/resource"),
        (
            "/api/v1/resource/1:undelete",
            "there is nothing at /api/v1/resource/{id}:undelete, since example.v1.Entity keeps no deleted records; give the model the option soft_delete",
        ),
        (
            "/api/v1/resource/1:restore",
            "there is no method /api/v1/resource/{id}:restore: records of example.v1.Entity have none, and ids have no colon",
        ),
        ("/api:comit", "there is no method /api:comit; the nearest is /api:commit"),
        ("/api/v1/resource/1%3A2", "there is no method /api/v1/resource/{id}:2: records"),
        ("/api/v1/resource/1/others", "since no model refers to example.v1.Entity"),
        ("/api/v1/resource/1/2/3", "/api/{version}/{resource}/{id}/{relation}"),
    ] {
        let answer = client.send(&format!("GET {path}"), &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (404, "application/json"), "{path}");
        assert!(answer.error().1.ends_with(words) || answer.error().1.contains(words), "{path}: {}", answer.error().1);
    }
    assert_eq!(client.send("GET /api/v1/resource/%ff", &[], "").await.status, 400);
}

#[tokio::test]
async fn bodies_must_be_json_records() {
    let client = client();
    let post = async |headers: &[&str], body: &str| {
        let answer = client.send("POST /api/v1/resource", headers, body.to_owned()).await;
        (answer.status.as_u16(), answer.error())
    };
    for body in
        ["", " \n", "[]", "{", "null", "{\"field1\":1}", "{\"field1\":\"a\"} x", "{\"field1\":\"a\",\"field1\":\"b\"}"]
    {
        let (status, (code, _)) = post(&[], body).await;
        assert_eq!((status, code.as_str()), (400, "INVALID_INPUT"), "{body}");
    }
    let (_, (_, message)) = post(&[], r#"{"field3":1}"#).await;
    assert!(message.to_lowercase().contains("field3"), "{message}");
    let (status, (code, message)) = post(&["content-type: text/plain"], "{}").await;
    assert_eq!((status, code.as_str()), (415, "INVALID_INPUT"));
    assert!(message.contains("application/json"));
    assert_eq!(post(&["content-encoding: gzip"], "{}").await.0, 415);
    let huge = format!(r#"{{"field1":"{}"}}"#, "x".repeat(MAX_BODY));
    let answer = client.send("POST /api/v1/resource", &[], huge).await;
    assert_eq!((answer.status.as_u16(), answer.error().0.as_str()), (413, "INVALID_INPUT"));
    assert_eq!(answer.json()["error"]["details"][0]["reason"], "TOO_LARGE");
    let form = client.send("POST /api/v1/resource", &["content-type: application/x-www-form-urlencoded"], "{}").await;
    assert_eq!(form.status, 201);
}

#[tokio::test]
async fn unauthenticated_callers_get_401() {
    let request = Request::get("/api/v1/nothing").body("".into()).unwrap();
    let answer = client().send_request(request).await;
    assert_eq!((answer.status.as_u16(), answer.error().0.as_str()), (401, "UNAUTHENTICATED"));
    assert_eq!((answer.header("www-authenticate"), answer.header("groundplan-revision")), ("Bearer", ""));
}

#[tokio::test]
async fn internal_errors_are_not_sent() {
    let answer = client().send("POST /api/v1/tagged", &[], r#"{"id":"broken"}"#).await;
    assert_eq!((answer.status.as_u16(), answer.error().0.as_str()), (500, "INTERNAL"));
    assert!(!String::from_utf8_lossy(&answer.bytes).contains("fire"));
}
