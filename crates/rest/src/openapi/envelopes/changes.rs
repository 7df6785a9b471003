//! The data of a watch's event, and a page of a history.

use super::{member, next_page_token, object};
use crate::openapi::names::{Side, reference};
use groundplan_model::catalog::Model;
use serde_json::{Value, json};

/// The data of an event.
pub(super) fn event(model: &Model) -> Value {
    json!({
        "type": "object",
        "description": "The data of an event. SYNCED and BOOKMARK have no data, and the initial records have neither transaction nor time.",
        "properties": {
            "data": record(model, "The current record; with REMOVED, its last state."),
            "previous": record(model, "With UPDATED, if withPrevious is true: the record before the change."),
            "changedFields": changed_fields(),
            "removal": {
                "type": "string",
                "enum": ["DELETED", "NO_MATCH"],
                "description": "With REMOVED: whether the record was deleted, or changed so that it no longer matches.",
            },
            "transaction": transaction(),
            "time": time(),
        },
    })
}

/// A page of a history.
pub(super) fn history(model: &Model) -> Value {
    let revision = json!({
        "type": "object",
        "required": ["kind", "data", "time", "etag", "principal", "transaction"],
        "properties": {
            "kind": { "type": "string", "enum": ["CREATED", "UPDATED", "DELETED"], "description": "The kind of write." },
            "data": record(model, "The record after the write; with DELETED, its last state."),
            "time": time(),
            "etag": { "type": "string", "description": "The etag of the record after the write." },
            "changedFields": changed_fields(),
            "principal": { "type": "string", "description": "The principal that made the change." },
            "transaction": transaction(),
        },
    });
    let mut page = member("data", json!({ "type": "array", "items": revision }));
    page.extend([next_page_token()]);
    object(&["data", "nextPageToken"], page)
}

fn record(model: &Model, description: &str) -> Value {
    json!({ "allOf": [reference(&model.full_name, Side::Masked)], "description": description })
}

fn changed_fields() -> Value {
    let names = "With UPDATED: the names of the changed fields.";
    json!({ "type": "array", "items": { "type": "string" }, "description": names })
}

fn transaction() -> Value {
    json!({ "type": "string", "description": "The same value for all changes of one transaction." })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time", "description": "The time of the change." })
}
