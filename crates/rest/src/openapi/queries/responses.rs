//! The responses of queries without records.

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
                    "keys": values("The common values of the group, by the JSON names of the fields, in the JSON of the fields. Absent values are left out."),
                    "values": values("The aggregations by their names. MIN and MAX are in the JSON of the field; other integers, including counts, are 64-bit integers in strings. Aggregations without a value are left out."),
                },
            },
        } },
    })
}

/// The query plan of a list.
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
                "sql": { "type": "string", "description": "The SQL statement. It contains no values." },
                "parameterTypes": texts("The types of the values, in the order of their numbers."),
                "indexes": texts("The indexes that PostgreSQL uses; empty if it reads the whole table."),
                "estimatedRows": { "type": "string", "format": "int64", "description": "The estimated number of matching records, by the statistics of PostgreSQL." },
                "estimatedCost": { "type": "number", "description": "The estimated cost, in the unit of PostgreSQL." },
                "served": { "type": "boolean", "description": "Whether an index supports the filter or the order." },
                "advice": { "type": "string", "description": "The index to declare in the options of the model; empty if an index supports the list." },
                "plan": { "description": "The plan of PostgreSQL: the output of EXPLAIN (FORMAT JSON)." },
            },
        } },
    })
}
