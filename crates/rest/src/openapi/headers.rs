//! The headers of requests and responses.

use super::example;
use serde_json::{Value, json};

/// The conditions of a write.
pub(super) fn conditions() -> Value {
    json!([
        condition("If-Match", "Etags, or `*`. If the record has none of them, nothing happens and the answer is 412."),
        condition(
            "If-None-Match",
            "Etags, or `*`. If the record has one of them, nothing happens and the answer is 412."
        ),
    ])
}

/// A conditional header.
pub(super) fn condition(name: &str, description: &str) -> Value {
    json!({
        "name": name, "in": "header", "description": description, "schema": { "type": "string" },
        "example": format!("\"{}\"", example::ETAG),
    })
}

/// `ETag`.
pub(super) fn etag() -> Value {
    header("The record's version, in double quotes.", json!({ "type": "string" }))
}

/// `groundplan-revision`.
pub(super) fn revision() -> Value {
    header("The revision that gave the answer.", json!({ "type": "integer", "format": "int64" }))
}

/// A header of a response.
pub(super) fn header(description: &str, schema: Value) -> Value {
    json!({ "description": description, "schema": schema })
}
