//! What the OpenAPI document says of writes.

use crate::openapi_queries::parameters;
use crate::queries::LIBRARY;
use crate::support::catalog;
use groundplan_rest::openapi;
use serde_json::{Value, json};

// Clippy lets helpers unwrap, as tests may, only where this is said.
#[cfg(test)]
fn document() -> Value {
    openapi(&catalog(&[("library/v1/library.proto", LIBRARY)]))
}

#[cfg(test)]
fn body(operation: &Value) -> &Value {
    &operation["requestBody"]["content"]["application/json"]["schema"]
}

#[test]
fn writes_have_their_parameters() {
    let document = document();
    let record = &document["paths"]["/api/v1/books/{id}"];
    let update = ["If-Match", "If-None-Match", "Idempotency-Key", "requestId", "validateOnly", "allowMissing"];
    assert_eq!(parameters(&record["patch"]), update);
    assert_eq!(parameters(&record["put"]), update);
    let delete = ["If-Match", "If-None-Match", "etag", "Idempotency-Key", "requestId", "validateOnly", "allowMissing"];
    assert_eq!(parameters(&record["delete"]), delete);
    let create = &document["paths"]["/api/v1/books"]["post"];
    assert_eq!(parameters(create), ["Idempotency-Key", "requestId", "validateOnly"]);
    assert!(create["responses"]["200"]["headers"].get("Location").is_none());
    assert!(create["responses"]["201"]["headers"].get("Location").is_some());
    for operation in [create, &record["patch"], &record["put"]] {
        let status = if operation == create { "201" } else { "200" };
        assert!(operation["responses"][status]["headers"].get("idempotency-replayed").is_some(), "{operation}");
    }
    let pattern = parameters(create).iter().position(|name| *name == "Idempotency-Key").unwrap();
    assert_eq!(create["parameters"][pattern]["schema"]["pattern"], r#"^("[!#-\[\]-~]{1,128}"|[!#-~][!-~]{0,127})$"#);
}

#[test]
fn batches_have_their_bodies() {
    let document = document();
    for (method, id, status, keys) in [
        ("batchCreate", "batchCreateBooks", "200", &["book", "requestId", "validateOnly"] as &[&str]),
        (
            "batchUpdate",
            "batchUpdateBooks",
            "200",
            &["allowMissing", "book", "etag", "requestId", "updateMask", "validateOnly"],
        ),
        ("batchDelete", "batchDeleteBooks", "204", &["allowMissing", "etag", "id", "requestId", "validateOnly"]),
    ] {
        let operation = &document["paths"][format!("/api/v1/books:{method}")]["post"];
        assert_eq!((&operation["operationId"], parameters(operation)), (&json!(id), vec!["Idempotency-Key"]));
        let requests = &body(operation)["properties"]["requests"];
        assert_eq!((&requests["minItems"], &requests["maxItems"]), (&json!(1), &json!(1000)), "{method}");
        let found: Vec<&String> = requests["items"]["properties"].as_object().unwrap().keys().collect();
        assert_eq!(found, keys, "{method}");
        assert!(operation["responses"].get(status).is_some(), "{method}");
    }
    let created = &document["paths"]["/api/v1/books:batchCreate"]["post"]["responses"]["200"];
    let schema = &created["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(schema, "#/components/schemas/library.v1.Book-Records");
}

#[test]
fn a_commit_takes_records_of_every_model() {
    let document = document();
    let commit = &document["paths"]["/api:commit"]["post"];
    assert_eq!((&commit["operationId"], &commit["tags"]), (&json!("commit"), &json!(["Commit"])));
    assert_eq!(body(commit)["$ref"], "#/components/schemas/Commit-Request");
    let schemas = &document["components"]["schemas"];
    let kinds = schemas["Commit-Request"]["properties"]["writes"]["items"]["anyOf"].as_array().unwrap();
    let required: Vec<&Value> = kinds.iter().map(|kind| &kind["required"][0]).collect();
    assert_eq!(required, ["create", "update", "delete", "undelete", "verify"]);
    let records = kinds[0]["properties"]["create"]["properties"]["record"]["anyOf"].as_array().unwrap();
    assert_eq!(records.len(), 4);
    assert_eq!(records[1]["$ref"], "#/components/schemas/library.v1.Book-Typed");
    assert_eq!(kinds[0]["properties"]["update"], json!({ "type": "null" }));
    let typed = &schemas["library.v1.Book-Typed"];
    assert_eq!(typed["required"], json!(["@type"]));
    assert_eq!(typed["properties"]["@type"]["enum"], json!(["type.googleapis.com/library.v1.Book", "library.v1.Book"]));
    assert_eq!(schemas["Commit-Results"]["properties"]["data"]["required"], json!(["results", "attempts"]));
}
