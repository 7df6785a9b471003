//! Writes in the OpenAPI document.

use crate::openapi_queries::parameters;
use crate::queries::LIBRARY;
use crate::support::catalog;
use groundplan_rest::openapi;
use serde_json::{Value, json};

// Clippy allows `unwrap` in tests by default, but not in their helpers.
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
        ("batchCreate", "batchCreateBooks", "200", &["book"] as &[&str]),
        ("batchUpdate", "batchUpdateBooks", "200", &["allowMissing", "book", "etag", "updateMask"]),
        ("batchDelete", "batchDeleteBooks", "204", &["allowMissing", "etag", "id"]),
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
fn a_commit_accepts_records_of_every_model() {
    let document = document();
    let commit = &document["paths"]["/api:commit"]["post"];
    assert_eq!((&commit["operationId"], &commit["tags"]), (&json!("commit"), &json!(["Commit"])));
    assert_eq!(body(commit)["$ref"], "#/components/schemas/Commit-Request");
    let schemas = &document["components"]["schemas"];
    let kinds = schemas["Commit-Request"]["properties"]["writes"]["items"]["oneOf"].as_array().unwrap();
    let required: Vec<&Value> = kinds.iter().map(|kind| &kind["required"][0]).collect();
    assert_eq!(required, ["create", "update", "delete", "undelete", "verify"]);
    let record = &kinds[0]["properties"]["create"]["properties"]["record"];
    assert_eq!(record["oneOf"].as_array().unwrap().len(), 4);
    let reference = "#/components/schemas/library.v1.Book-Typed";
    assert_eq!(record["oneOf"][1], json!({ "$ref": reference }));
    let discriminator = &record["discriminator"];
    assert_eq!(discriminator["propertyName"], "@type");
    assert_eq!(discriminator["mapping"]["library.v1.Book"], reference);
    assert_eq!(discriminator["mapping"]["type.googleapis.com/library.v1.Book"], reference);
    let updated = &kinds[1]["properties"]["update"]["properties"]["record"];
    assert_eq!(updated["oneOf"][1], json!({ "$ref": reference, "required": ["id"] }));
    assert!(kinds[0]["properties"].get("update").is_none());
    let typed = &schemas["library.v1.Book-Typed"];
    assert_eq!(typed["required"], json!(["@type"]));
    assert_eq!(typed["properties"]["@type"]["enum"], json!(["type.googleapis.com/library.v1.Book", "library.v1.Book"]));
}

#[test]
fn a_commit_returns_records_with_their_models() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let data = &schemas["Commit-Results"]["properties"]["data"];
    assert_eq!(data["required"], json!(["results", "attempts"]));
    let record = &data["properties"]["results"]["items"]["properties"]["record"];
    let reference = "#/components/schemas/library.v1.Book-Committed";
    assert_eq!(record["oneOf"][1], json!({ "$ref": reference }));
    let mapping = record["discriminator"]["mapping"].as_object().unwrap();
    assert_eq!((mapping.len(), &mapping["type.googleapis.com/library.v1.Book"]), (4, &json!(reference)));

    let (mut committed, shown) = (schemas["library.v1.Book-Committed"].clone(), &schemas["library.v1.Book"]);
    let typed = committed["properties"].as_object_mut().unwrap().remove("@type").unwrap();
    assert_eq!(typed["enum"], json!(["type.googleapis.com/library.v1.Book"]));
    assert_eq!(committed["required"].as_array_mut().unwrap().remove(0), "@type");
    assert_eq!(&committed, shown);
}

/// Schemas that client generators ignore.
#[test]
fn schemas_have_no_properties_next_to_a_reference() {
    fn check(value: &Value) {
        assert!(value.get("$ref").is_none() || value.get("properties").is_none(), "{value}");
        value.as_object().into_iter().flat_map(|object| object.values()).for_each(check);
        value.as_array().into_iter().flatten().for_each(check);
    }
    check(&document());
}
