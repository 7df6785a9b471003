//! Queries and relations in the OpenAPI document.

use crate::memory::Memory;
use crate::queries::LIBRARY;
use crate::support::{Client, catalog};
use groundplan_rest::openapi;
use serde_json::{Value, json};

// Clippy allows `unwrap` in tests by default, but not in their helpers.
#[cfg(test)]
fn document() -> Value {
    openapi(&catalog(&[("library/v1/library.proto", LIBRARY)]))
}

#[cfg(test)]
pub(crate) fn parameters(operation: &Value) -> Vec<&str> {
    operation["parameters"].as_array().unwrap().iter().map(|parameter| parameter["name"].as_str().unwrap()).collect()
}

#[test]
fn lists_have_their_parameters() {
    let document = document();
    let list = ["filter", "orderBy", "pageSize", "pageToken", "skip", "count", "allowScan", "readMask", "expand"];
    for path in ["/api/v1/books", "/api/v1/books:explainList", "/api/v1/authors/{id}/books"] {
        assert_eq!(parameters(&document["paths"][path]["get"]), list, "{path}");
    }
    assert_eq!(parameters(&document["paths"]["/api/v1/books/{id}"]["get"]), ["If-None-Match", "readMask", "expand"]);
    assert!(!parameters(&document["paths"]["/api/v1/shelves"]["get"]).contains(&"expand"));
    let count = &document["paths"]["/api/v1/books"]["get"]["parameters"][5];
    assert_eq!(
        count["schema"]["enum"],
        json!(["EXACT", "ESTIMATED", "NONE", "COUNT_EXACT", "COUNT_ESTIMATED", "COUNT_UNSPECIFIED"])
    );
    let expand = &document["paths"]["/api/v1/authors"]["get"]["parameters"][8];
    assert!(expand["description"].as_str().unwrap().ends_with("The first steps are: books."), "{expand}");
    assert_eq!((&expand["explode"], &expand["schema"]["maxItems"]), (&json!(false), &json!(20)));
}

#[test]
fn included_records_are_those_that_relations_reach() {
    let document = document();
    let included = |component: &str| document["components"]["schemas"][component]["properties"]["included"].clone();
    let models = json!({
        "library.v1.Author": { "type": "array", "items": { "$ref": "#/components/schemas/library.v1.Author" } },
        "library.v1.Book": { "type": "array", "items": { "$ref": "#/components/schemas/library.v1.Book" } },
        "library.v1.Publisher": { "type": "array", "items": { "$ref": "#/components/schemas/library.v1.Publisher" } },
    });
    for component in ["library.v1.Book-Page", "library.v1.Author-View", "library.v1.Publisher-Batch"] {
        assert_eq!(included(component)["properties"], models, "{component}");
    }
    assert_eq!(included("library.v1.Shelf-Page"), Value::Null);
    assert_eq!(included("library.v1.Book-Response"), Value::Null);
}

#[test]
fn an_inverse_relation_returns_the_other_model() {
    let document = document();
    let back = &document["paths"]["/api/v1/publishers/{id}/all_books"];
    assert_eq!(back["get"]["operationId"], "listPublisherAllBooks");
    assert_eq!(back["get"]["tags"], json!(["library.v1.Publisher"]));
    let schema = &back["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(schema["$ref"], "#/components/schemas/library.v1.Book-Page");
    assert_eq!(back["parameters"][0]["name"], "id");
}

#[tokio::test]
async fn examples_are_valid_calls() {
    let memory = Memory::new(catalog(&[("library/v1/library.proto", LIBRARY)]));
    let client = Client(groundplan_rest::router(memory, 10_000));
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        if let Some(example) = item["post"]["requestBody"]["content"]["application/json"].get("example") {
            let status = client.send(&format!("POST {path}"), &[], example.to_string()).await.status.as_u16();
            assert!(matches!(status, 200 | 201 | 204 | 404 | 409), "{path}: {status} {example}");
        }
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            let (name, example) = (parameter["name"].as_str().unwrap(), &parameter["example"]);
            let text = match example {
                Value::Array(names) => names.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(","),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if parameter["in"] != "query" || example.is_null() || path.contains("{id}") {
                continue;
            }
            let encoded = text.replace('%', "%25").replace(' ', "%20").replace('"', "%22");
            let answer = client.send(&format!("GET {path}?{name}={encoded}"), &[], "").await;
            assert_eq!(answer.status, 200, "{path}?{name}={text}: {:?}", answer.bytes);
        }
    }
}
