//! Schemas of the bodies of requests, and of their keys.

use groundplan_operations::limits::MAX_REQUEST_ID;
use serde_json::{Map, Value, json};

/// The keys of the write options.
pub(super) fn write_option_keys() -> Map<String, Value> {
    let id = or_null(request_id(), "The same as Idempotency-Key, in the body.");
    let only = flag_or_null(
        "Validate the request without writing anything. The response has the records that a write would return.",
    );
    Map::from_iter([("requestId".to_owned(), id), ("validateOnly".to_owned(), only)])
}

/// An optional string.
pub(super) fn text_or_null(description: &str) -> Value {
    or_null(json!({ "type": "string" }), description)
}

/// An optional bool.
pub(super) fn flag_or_null(description: &str) -> Value {
    or_null(json!({ "type": "boolean" }), description)
}

/// An optional list of field paths.
pub(super) fn mask(description: &str) -> Value {
    let text = json!({ "type": "string" });
    let either = json!({ "anyOf": [text, { "type": "array", "items": text }] });
    or_null(either, &format!("{description} Paths separated by commas, or a list of paths."))
}

/// A request id; empty means absent.
pub(super) fn request_id() -> Value {
    json!({ "type": "string", "pattern": format!("^[!-~]{{0,{MAX_REQUEST_ID}}}$") })
}

/// An optional key: `null` means absent.
pub(super) fn or_null(schema: Value, description: &str) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }], "description": description })
}

/// An object with only these keys.
pub(super) fn query(properties: Value) -> Value {
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}
