//! The headers of requests and responses.

use super::example;
use crate::request_id;
use groundplan_operations::limits::MAX_REQUEST_ID;
use serde_json::{Value, json};

/// The conditions of a write.
pub(super) fn conditions() -> Vec<Value> {
    vec![
        condition(
            "If-Match",
            "Etags, or `*`. If the record has none of them, nothing is written and the response is 412.",
        ),
        condition(
            "If-None-Match",
            "Etags, or `*`. If the record has one of them, nothing is written and the response is 412.",
        ),
    ]
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
    header("The etag of the record, in double quotes.", json!({ "type": "string" }))
}

/// `groundplan-revision`.
pub(super) fn revision() -> Value {
    header("The revision of the models that served the request.", json!({ "type": "integer", "format": "int64" }))
}

/// `Idempotency-Key`.
pub(super) fn idempotency_key() -> Value {
    let description = "Makes the write idempotent: a repeated request returns the first response. Preferably a UUID in double \
                       quotes; the quotes are optional.";
    // A subset: the server also accepts backslashes before quotes.
    let most = MAX_REQUEST_ID - 1;
    let pattern = format!(r#"^("[!#-\[\]-~]{{1,{MAX_REQUEST_ID}}}"|[!#-~][!-~]{{0,{most}}})$"#);
    json!({
        "name": request_id::NAME, "in": "header", "description": description,
        "schema": { "type": "string", "pattern": pattern },
        "example": format!("\"{}\"", example::UUID),
    })
}

/// `idempotency-replayed`.
pub(super) fn replayed() -> Value {
    header(
        "Present if this is the response to an earlier request with the same id.",
        json!({ "type": "string", "const": "true" }),
    )
}

/// A header of a response.
pub(super) fn header(description: &str, schema: Value) -> Value {
    json!({ "description": description, "schema": schema })
}
