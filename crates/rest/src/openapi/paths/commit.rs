//! The operation that writes records of any models.

use super::answer;
use crate::answer::TYPE_URL;
use crate::input::TYPE;
use crate::openapi::commits::{REQUEST, RESULTS, TAG};
use crate::openapi::errors;
use crate::openapi::example::{self, Purpose};
use crate::openapi::headers::{idempotency_key, replayed};
use groundplan_model::catalog::Catalog;
use serde_json::{Value, json};

const DESCRIPTION: &str = "\
A write sees what those before it have done: a record that is created with a `localRef` is known by `$` and that name to those behind it, in their `id` and in \
fields that refer to a record. Each write may have a `condition`, which must hold for the record as it is before. Mistakes name their place, such as `writes[3].create.record.title`.";

/// The path; none where there is no model.
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
    let mut done = answer("What each write has done, in their order.", schema(RESULTS), data);
    done["headers"]["idempotency-replayed"] = replayed();
    let mut operation = json!({
        "operationId": "commit",
        "tags": [TAG],
        "summary": "Writes records of any models, in order; all of it or nothing.",
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
