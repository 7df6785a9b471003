//! The OpenAPI document of models with every kind of field.

use crate::support::catalog;
use groundplan_codec::json;
use groundplan_model::catalog::Catalog;
use groundplan_rest::openapi;
use serde_json::Value;
use std::collections::BTreeSet;

const EVERYTHING: &str = include_str!("everything.proto");
const TWIN: &str = r#"
syntax = "proto3";
package other.v2;
import "groundplan/model/v1/model.proto";
message Everything {
  option (groundplan.model.v1.model) = { id_format: ID_FORMAT_CLIENT_ASSIGNED };
  string id = 1;
}
"#;

fn everything() -> std::sync::Arc<Catalog> {
    catalog(&[("example/v1/everything.proto", EVERYTHING), ("other/v2/twin.proto", TWIN)])
}

/// Every value in a document with its key.
fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a str, &'a Value)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            visit(key, value);
            walk(value, visit);
        }),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

#[test]
fn every_reference_resolves() {
    let document = openapi(&everything());
    let mut references = 0;
    walk(&document, &mut |key, value| {
        if key == "$ref" {
            references += 1;
            let pointer = value.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    });
    assert!(references > 50, "{references}");
}

/// Schemas that break client generators.
#[test]
fn schemas_have_types_and_no_false_properties() {
    let document = openapi(&everything());
    walk(&document["components"], &mut |key, value| {
        let is_schema = value.is_object() && key != "properties" && key != "example";
        if is_schema && (value.get("const").is_some() || value.get("enum").is_some() || value.get("pattern").is_some())
        {
            assert!(value["type"].is_string(), "{key}: {value}");
        }
        let Some(properties) = value.get("properties").and_then(Value::as_object) else { return };
        for (name, property) in properties {
            assert_ne!(property["type"], "null", "{key}.{name}");
            assert!(property.get("enum").is_none_or(|values| values[0] != Value::Null), "{key}.{name}");
        }
    });
    walk(&document, &mut |key, value| {
        if key == "allOf" {
            for part in value.as_array().unwrap() {
                assert!(part.get("$ref").is_some() || part["type"] == "object", "{value}");
                assert!(part["properties"].get("id").is_none(), "an id has one schema: {value}");
            }
        }
    });
}

#[test]
fn models_with_client_assigned_ids_have_a_create_schema() {
    let document = openapi(&everything());
    let schema = &document["components"]["schemas"]["other.v2.Everything-Create"];
    assert_eq!(schema["required"], serde_json::json!(["id"]));
    assert_eq!(schema["properties"]["id"]["type"], "string");
    let body = &document["paths"]["/api/v2/everythings"]["post"]["requestBody"]["content"]["application/json"];
    assert_eq!(body["schema"]["$ref"], "#/components/schemas/other.v2.Everything-Create");
}

#[test]
fn operation_ids_are_unique() {
    let document = openapi(&everything());
    let mut ids = Vec::new();
    walk(&document, &mut |key, value| {
        if key == "operationId" {
            ids.push(value.as_str().unwrap())
        }
    });
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    assert!(ids.contains(&"example_v1_Everything_createEverything"), "{ids:?}");
    assert!(ids.contains(&"listPlains"), "{ids:?}");
}

#[test]
fn examples_of_requests_and_responses_decode() {
    let catalog = everything();
    let document = openapi(&catalog);
    for model in &catalog.models {
        let decodes = |example: &Value| {
            assert!(example.is_object(), "{example}");
            json::decode(
                &model.shapes,
                model.shape,
                example.to_string().as_bytes(),
                &groundplan_budget::Budget::default(),
            )
            .unwrap_or_else(|error| panic!("{}: {}: {}\n{example:#}", model.full_name, error.field, error.message));
        };
        let collection = format!("/api/{}/{}", model.version, model.resource);
        let paths = &document["paths"];
        let record = &paths[format!("{collection}/{{id}}")];
        for operation in [&paths[&collection]["post"], &record["put"], &record["patch"]] {
            decodes(&operation["requestBody"]["content"]["application/json"]["example"]);
        }
        decodes(&record["get"]["responses"]["200"]["content"]["application/json"]["example"]["data"]);
        decodes(&paths[&collection]["get"]["responses"]["200"]["content"]["application/json"]["example"]["data"][0]);
    }
}

#[test]
fn schemas_differ_between_requests_and_responses() {
    let document = openapi(&everything());
    let schema = |name: &str| &document["components"]["schemas"][name];
    let required = |name: &str| -> Vec<&str> {
        let required = schema(name)["required"].as_array();
        required.map(|names| names.iter().map(|name| name.as_str().unwrap()).collect()).unwrap_or_default()
    };
    let (input, output) = ("example.v1.Everything-Input", "example.v1.Everything");
    assert_eq!(required(input), ["text"]);
    assert!(required("example.v1.Everything-Patch").is_empty());
    for name in ["id", "createdAt", "text", "numbers", "labels"] {
        assert!(required(output).contains(&name), "{name}");
    }
    assert!(!required(output).contains(&"maybe"));
    assert_eq!(schema(input)["additionalProperties"], false);
    assert_eq!(schema(output).get("additionalProperties"), None);
    assert!(required("example.v1.Everything-Masked").is_empty());
    assert!(required("example.v1.Node.Inner").contains(&"count"));
    assert_eq!(
        schema("example.v1.Everything-Masked")["properties"]["node"]["$ref"],
        "#/components/schemas/example.v1.Node-Masked"
    );
    assert_eq!(
        schema("example.v1.Everything-Masked")["properties"]["nodes"]["items"]["$ref"],
        "#/components/schemas/example.v1.Node"
    );
    assert_eq!(schema(input)["properties"]["createdAt"]["readOnly"], true);
    assert_eq!(schema(input)["properties"]["secret"]["writeOnly"], true);
    assert_eq!(schema(output)["properties"].get("secret"), None);
    let text = &schema(input)["properties"]["text"];
    assert_eq!((&text["minLength"], &text["maxLength"]), (&Value::from(2), &Value::from(4)));
    assert_eq!(text["description"], "What it says.");
    assert_eq!(schema(output)["properties"]["big"]["format"], "uint64");
    assert_eq!(schema(output)["properties"]["big"].get("minimum"), None);
}

#[test]
fn input_schemas_accept_every_supported_form() {
    let document = openapi(&everything());
    let property =
        |name: &str| document["components"]["schemas"]["example.v1.Everything-Input"]["properties"][name].clone();
    let kinds = |name: &str| -> Vec<String> {
        let choices = property(name)["anyOf"].as_array().cloned().unwrap_or_default();
        choices.iter().map(|choice| choice["type"].as_str().unwrap_or("reference").to_owned()).collect()
    };
    assert_eq!(kinds("big"), ["string", "integer", "null"]);
    assert_eq!(kinds("small"), ["integer", "string", "null"]);
    assert_eq!(kinds("single"), ["number", "string", "string", "null"]);
    assert_eq!(kinds("color"), ["reference", "null"]);
    assert_eq!(kinds("mask"), ["string", "object", "null"]);
    assert_eq!(kinds("numbers"), ["array", "null"]);
    assert_eq!(property("big")["anyOf"][1]["exclusiveMinimum"], 999);
    assert_eq!(property("big")["anyOf"][0].get("exclusiveMinimum"), None);
    assert_eq!(
        (&property("small")["anyOf"][0]["minimum"], &property("small")["anyOf"][0]["exclusiveMaximum"]),
        (&Value::from(-5), &Value::from(10))
    );
    assert_eq!(property("anything").get("anyOf"), None);
}

#[test]
fn constrained_examples_satisfy_their_rules() {
    let document = openapi(&everything());
    let example =
        &document["paths"]["/api/v1/everythings"]["post"]["requestBody"]["content"]["application/json"]["example"];
    assert_eq!(example["text"], "valu");
    assert_eq!(example["small"], 9);
    assert_eq!(example["big"], "1000");
    assert_eq!(example["mail"], "somebody@example.com");
    assert_eq!(example["choice"], "two");
    assert_eq!(example["numbers"].as_array().unwrap().len(), 2);
    assert_eq!(example.get("createdAt"), None);
}

#[test]
fn the_document_is_deterministic() {
    assert_eq!(openapi(&everything()).to_string(), openapi(&everything()).to_string());
}

#[test]
fn every_creation_returns_201_with_the_location() {
    let document = openapi(&everything());
    let mut creating = 0;
    for (path, method) in
        [("/api/v1/everythings", "post"), ("/api/v1/everythings/{id}", "put"), ("/api/v1/everythings/{id}", "patch")]
    {
        let Some(operation) = document["paths"][path].get(method) else { continue };
        let created = &operation["responses"]["201"];
        assert!(created["headers"]["Location"].is_object(), "{method} {path}: {created}");
        creating += 1;
    }
    assert_eq!(creating, 3, "{:?}", document["paths"].as_object().unwrap().keys().collect::<Vec<_>>());
}
