//! The parameters, bodies and responses of queries that are the same for every model.

mod responses;

use super::bodies::{or_null, query};
use super::envelopes::relations;
use crate::enum_params::{COUNT, FUNCTION};
use groundplan_codec::mask::MAX_PATHS;
use groundplan_expr::limits::{MAX_LENGTH as MAX_FILTER, MAX_ORDER_LENGTH as MAX_ORDER};
use groundplan_model::catalog::Model;
use groundplan_model::shape::{Cardinality, Field, Kind};
use groundplan_operations::limits::{
    DEFAULT_PAGE_SIZE, MAX_AGGREGATIONS, MAX_BATCH, MAX_EXPAND_DEPTH, MAX_EXPAND_PATHS, MAX_EXPANDED, MAX_GROUP_BY,
    MAX_PAGE_SIZE, MAX_SKIP,
};
use serde_json::{Map, Value, json};

/// The request of `batchGet`.
pub(super) const BATCH_QUERY: &str = "BatchGet-Query";
/// The request of `aggregate`.
pub(super) const AGGREGATE_QUERY: &str = "Aggregate-Query";
/// The response of `aggregate`.
pub(super) const GROUPS: &str = "Aggregate-Groups";
/// The response of `explainList`.
pub(super) const EXPLANATION: &str = "Explanation-Envelope";

/// The components.
pub(super) fn schemas() -> Map<String, Value> {
    let of = [
        (BATCH_QUERY, batch_query()),
        (AGGREGATE_QUERY, aggregate_query()),
        (GROUPS, responses::groups()),
        (EXPLANATION, responses::explanation()),
    ];
    of.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// The parameters of a list.
pub(super) fn list_parameters(model: &Model) -> Vec<Value> {
    let count = json!({ "type": "string", "enum": COUNT.names() });
    let mut parameters = vec![
        filter(model),
        parameter(
            "orderBy",
            &format!(
                "Field names, separated by commas, each optionally with ` desc`, at most {MAX_ORDER} bytes. Default: the id, which is always the last key."
            ),
            text(MAX_ORDER),
            order_example(model),
        ),
        parameter(
            "pageSize",
            &format!(
                "The maximum number of records in the page. 0 means {DEFAULT_PAGE_SIZE}; values above {MAX_PAGE_SIZE} mean {MAX_PAGE_SIZE}. A page can have fewer."
            ),
            number(i32::MAX),
            10.into(),
        ),
        parameter(
            "pageToken",
            "The nextPageToken of the previous page. Filter and order must be the same.",
            json!({ "type": "string" }),
            Value::Null,
        ),
        parameter(
            "skip",
            &format!("The number of records to skip before the page, at most {MAX_SKIP}."),
            number(MAX_SKIP),
            0.into(),
        ),
        parameter("count", "Whether and how to count the matching records, over all pages.", count, "EXACT".into()),
        parameter(
            "allowScan",
            "Whether to allow a query without an index on a large table. It might take long.",
            json!({ "type": "boolean" }),
            true.into(),
        ),
    ];
    parameters.extend(model.soft_delete.map(|_| {
        let flag = json!({ "type": "boolean" });
        parameter("showDeleted", "Whether to return deleted records too.", flag, true.into())
    }));
    parameters.extend(view_parameters(model));
    parameters
}

/// The parameter `filter`.
pub(super) fn filter(model: &Model) -> Value {
    let description =
        format!("A filter: a CEL expression over the fields, at most {MAX_FILTER} bytes. Default: all records.");
    parameter("filter", &description, text(MAX_FILTER), filter_example(model))
}

/// The parameter `readMask`.
pub(super) fn mask(model: &Model) -> Value {
    let fields: Vec<&str> = shown_fields(model).take(2).map(|field| field.json_name.as_str()).collect();
    let description = "The fields to return, with dots for nested fields. Default: all fields.";
    separated(parameter("readMask", description, names(MAX_PATHS), fields.into()))
}

/// The parameters `readMask` and `expand`.
pub(super) fn view_parameters(model: &Model) -> Vec<Value> {
    let relations = relations(model);
    let Some(first) = relations.first() else { return vec![mask(model)] };
    let description = format!(
        "Relations to follow, each a path of at most {MAX_EXPAND_DEPTH} steps with dots: the related records are `included`, of each relation to many \
         at most {MAX_EXPANDED} for each record. The first steps are: {}.",
        relations.join(", ")
    );
    let expand = parameter("expand", &description, names(MAX_EXPAND_PATHS), json!([first]));
    vec![mask(model), separated(expand)]
}

/// The fields that responses can have.
pub(super) fn shown_fields(model: &Model) -> impl Iterator<Item = &Field> {
    model.shape().fields.iter().filter(|field| !field.behavior.input_only)
}

/// An aggregation that every model has.
pub(super) fn aggregate_example(model: &Model) -> Value {
    let id = &model.shape().field(model.roles.id).json_name;
    json!({ "aggregations": [{ "function": "COUNT" }, { "function": "MAX", "field": id, "name": "last" }] })
}

fn filter_example(model: &Model) -> Value {
    let other = |field: &&Field| model.shape().field(model.roles.id).number != field.number;
    let plain = |field: &&Field| matches!(field.cardinality, Cardinality::Implicit | Cardinality::Explicit);
    let example = shown_fields(model).filter(other).filter(plain).find_map(|field| match field.kind {
        Kind::String => Some(format!("{} != \"\"", field.json_name)),
        Kind::Integer(_) | Kind::Float | Kind::Double => Some(format!("{} >= 0", field.json_name)),
        Kind::Bool => Some(format!("!{}", field.json_name)),
        _ => None,
    });
    example.unwrap_or_else(|| format!("{} != \"\"", model.shape().field(model.roles.id).json_name)).into()
}

fn order_example(model: &Model) -> Value {
    format!("{} desc", model.shape().field(model.roles.id).json_name).into()
}

/// A query parameter.
pub(super) fn parameter(name: &str, description: &str, schema: Value, example: Value) -> Value {
    let mut parameter = json!({ "name": name, "in": "query", "description": description, "schema": schema });
    if !example.is_null() {
        parameter["example"] = example;
    }
    parameter
}

/// Separates the values of a list parameter by commas.
fn separated(mut parameter: Value) -> Value {
    parameter["style"] = "form".into();
    parameter["explode"] = false.into();
    parameter
}

fn text(most: usize) -> Value {
    json!({ "type": "string", "maxLength": most })
}

/// A non-negative number.
pub(super) fn number(most: i32) -> Value {
    json!({ "type": "integer", "format": "int32", "minimum": 0, "maximum": most })
}

fn names(most: usize) -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "maxItems": most })
}

fn batch_query() -> Value {
    let id = or_null(json!({ "type": "string" }), "The id of the record.");
    let request = query(json!({ "id": id }));
    let requests = json!({ "type": "array", "items": request, "maxItems": MAX_BATCH });
    let ids = json!({ "type": "array", "items": { "type": "string" }, "maxItems": MAX_BATCH });
    query(json!({
        "ids": or_null(ids, "The ids of the records. The response has the same order."),
        "requests": or_null(requests, "The ids in the form of the gRPC request, instead of `ids`."),
        "readMask": or_null(json!({ "type": "string" }), "The fields to return, separated by commas, with dots for nested fields. Default: all fields."),
        "expand": or_null(names(MAX_EXPAND_PATHS), "The related records to return too, as in a list."),
    }))
}

fn aggregate_query() -> Value {
    let text_or_null = |description| or_null(json!({ "type": "string" }), description);
    let aggregation = json!({
        "type": "object",
        "required": ["function"],
        "properties": {
            "function": { "type": "string", "enum": FUNCTION.names(), "description": "The function." },
            "field": text_or_null("The field, with dots for nested fields. Required, except for COUNT."),
            "name": text_or_null("The name of the value in the response. Default: the function and the field, such as `sumPages`."),
        },
        "additionalProperties": false,
    });
    let mut schema = query(json!({
        "filter": or_null(text(MAX_FILTER), "A filter, in CEL. Default: all records."),
        "groupBy": or_null(names(MAX_GROUP_BY), "The fields to group by. The response has one group for each existing combination of values. Default: one group of all records."),
        "aggregations": { "type": "array", "items": aggregation, "minItems": 1, "maxItems": MAX_AGGREGATIONS, "description": "The values to compute." },
        "allowScan": or_null(json!({ "type": "boolean" }), "Whether to allow a query without an index on a large table. It might take long."),
    }));
    schema["required"] = json!(["aggregations"]);
    schema
}
