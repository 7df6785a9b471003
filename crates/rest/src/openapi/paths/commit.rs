//! The operation that writes records of any models.

use super::json_response;
use crate::input::TYPE;
use crate::openapi::commits::{REQUEST, RESULTS, TAG};
use crate::openapi::errors;
use crate::openapi::example::{self, Purpose};
use crate::openapi::headers::{idempotency_key, replayed};
use crate::response::TYPE_URL;
use groundplan_model::catalog::Catalog;
use serde_json::{Value, json};

const DESCRIPTION: &str = "\
A write sees the results of the writes before it. Later writes can use `$name` for a record that is created with the `localRef` `name`, as their `id` and in \
reference fields. Each write can have a `condition` on the record before the write. Errors name the field by its path, such as `writes[3].create.record.title`.";

/// The path item; none without models.
pub(super) fn item(catalog: &Catalog) -> Option<Value> {
    let model = catalog.models.first()?;
    let typed = |purpose| {
        let mut record = json!({ TYPE: format!("{TYPE_URL}{}", model.full_name) });
        if let (Some(typed), Value::Object(fields)) = (record.as_object_mut(), example::record(catalog, model, purpose))
        {
            typed.extend(fields);
        }
        record
    };
    let schema = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let example = json!({ "writes": [{ "create": { "record": typed(Purpose::Create) } }] });
    let result = json!({ "record": typed(Purpose::Output), "etag": example::ETAG });
    let data = json!({ "data": { "results": [result], "attempts": 1 } });
    let mut done = json_response("The results, in the order of the writes.", schema(RESULTS), data);
    done["headers"]["idempotency-replayed"] = replayed();
    let mut operation = json!({
        "operationId": "commit",
        "tags": [TAG],
        "summary": "Writes records of any models in one transaction, in order.",
        "description": DESCRIPTION,
        "parameters": [idempotency_key()],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": schema(REQUEST), "example": example } },
        },
        "responses": errors::references(&[404, 409, 413, 415]),
    });
    operation["responses"]["200"] = done;
    Some(json!({ "post": operation }))
}
