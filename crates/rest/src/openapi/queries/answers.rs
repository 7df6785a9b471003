//! What is answered to queries, where it is no record.

use groundplan_operations::limits::MAX_GROUPS;
use serde_json::{Value, json};

/// The groups of an aggregation.
pub(super) fn groups() -> Value {
    let values = |description: &str| json!({ "type": "object", "description": description, "additionalProperties": { "type": ["boolean", "number", "string"] } });
    json!({
        "type": "object",
        "required": ["data"],
        "properties": { "data": {
            "type": "array",
            "maxItems": MAX_GROUPS,
            "items": {
                "type": "object",
                "required": ["keys", "values"],
                "properties": {
                    "keys": values("The values that the records of the group share, by field, by their names in JSON. An absent one is not there. Each is as records have the field, so that a filter takes it."),
                    "values": values("The aggregations by their names. MIN and MAX are as records have the field; other integers, counts too, have 64 bits and are strings. What has no value is not there."),
                },
            },
        } },
    })
}

/// How a list would be run.
pub(super) fn explanation() -> Value {
    let texts =
        |description: &str| json!({ "type": "array", "items": { "type": "string" }, "description": description });
    json!({
        "type": "object",
        "required": ["data"],
        "properties": { "data": {
            "type": "object",
            "required": ["sql", "parameterTypes", "indexes", "estimatedRows", "estimatedCost", "served", "advice", "plan"],
            "properties": {
                "sql": { "type": "string", "description": "The statement; no value is ever part of it." },
                "parameterTypes": texts("The values' types in the order of their numbers."),
                "indexes": texts("The indexes that PostgreSQL uses; none if it reads the whole table."),
                "estimatedRows": { "type": "string", "format": "int64", "description": "How many records match, by PostgreSQL's statistics." },
                "estimatedCost": { "type": "number", "description": "PostgreSQL's estimate, in its own unit." },
                "served": { "type": "boolean", "description": "Whether an index narrows the filter, or gives the order." },
                "advice": { "type": "string", "description": "The line for the model's option that would serve it; empty if it is served." },
                "plan": { "description": "PostgreSQL's plan, as its EXPLAIN (FORMAT JSON) gives it." },
            },
        } },
    })
}
