//! The operations on collections that are neither a list nor a write.

use super::{OfModel, Operation, json_response};
use crate::openapi::envelopes::Envelope;
use crate::openapi::{example, queries};
use groundplan_model::catalog::MethodKind;
use serde_json::{Value, json};

impl OfModel<'_> {
    pub(super) fn explain_list(&self) -> Value {
        let summary = format!("Returns the query plan of a list of {}.", self.model.plural);
        let mut operation = self.operation(Operation::Method(MethodKind::ExplainList), summary, &[404]);
        operation["parameters"] = queries::list_parameters(self.model).into();
        let data = json!({
            "sql": "SELECT …", "parameterTypes": ["text"], "indexes": [], "estimatedRows": "1", "estimatedCost": 8.2,
            "served": true, "advice": "", "plan": null,
        });
        operation["responses"]["200"] = computed("The query plan.", queries::EXPLANATION, data);
        operation
    }

    pub(super) fn batch_get(&self) -> Value {
        let summary =
            format!("Gets several {} by their ids, in the order of the ids: all of them or none.", self.model.plural);
        let mut operation = self.operation(Operation::Method(MethodKind::BatchGet), summary, &[404, 413, 415]);
        let example = json!({ "ids": [example::id(self.catalog, self.model)] });
        operation["requestBody"] = query_body(queries::BATCH_QUERY, example);
        operation["responses"]["200"] = self.shown("The records.", Envelope::Batch);
        operation
    }

    pub(super) fn aggregate(&self) -> Value {
        let summary = format!("Aggregates {}, grouped by fields.", self.model.plural);
        let mut operation = self.operation(Operation::Method(MethodKind::Aggregate), summary, &[404, 413, 415]);
        operation["requestBody"] = query_body(queries::AGGREGATE_QUERY, queries::aggregate_example(self.model));
        let last = example::id(self.catalog, self.model);
        let data = json!([{ "keys": {}, "values": { "count": "12", "last": last } }]);
        operation["responses"]["200"] = computed("The groups, in the order of their keys.", queries::GROUPS, data);
        operation
    }
}

fn query_body(schema: &str, example: Value) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json!({ "required": true, "content": { "application/json": { "schema": schema, "example": example } } })
}

/// A response without records.
fn computed(description: &str, schema: &str, data: Value) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json_response(description, schema, json!({ "data": data }))
}
