//! The batch writes of a model, and Undelete.

use super::written::nothing;
use super::{OfModel, Operation};
use crate::json_field_paths::record_key;
use crate::openapi::bodies::{flag_or_null, mask, query, text_or_null, write_option_keys};
use crate::openapi::envelopes::Envelope;
use crate::openapi::example::{self, Purpose};
use crate::openapi::headers::{conditions, idempotency_key, replayed};
use crate::openapi::names::{Side, reference};
use groundplan_model::catalog::MethodKind;
use groundplan_operations::limits::MAX_BATCH;
use serde_json::{Value, json};

impl OfModel<'_> {
    pub(super) fn batch_create(&self) -> Value {
        let key = record_key(self.model);
        let request = (json!({ key.as_str(): self.whole() }), json!([key]));
        let example = json!({ key: example::record(self.catalog, self.model, Purpose::Create) });
        let mut operation = self.batch(MethodKind::BatchCreate, "Creates", request, example);
        operation["responses"]["200"] = self.records("The stored records, in the order of the requests.");
        operation
    }

    pub(super) fn batch_update(&self) -> Value {
        let key = record_key(self.model);
        let id = &self.model.shape().field(self.model.roles.id).json_name;
        let mut record = reference(&self.model.full_name, Side::Patch);
        record["required"] = json!([id]);
        let properties = json!({
            key.as_str(): record,
            "updateMask": mask("The fields to change. Default: the fields whose keys are present; null clears a field."),
            "etag": text_or_null("Write only if this is the etag of the record. Default: any etag."),
            "allowMissing": flag_or_null("Create the record if it does not exist."),
        });
        let mut record = example::record(self.catalog, self.model, Purpose::Patch);
        record[id] = example::id(self.catalog, self.model);
        let request = (properties, json!([key]));
        let mut operation = self.batch(MethodKind::BatchUpdate, "Changes", request, json!({ key: record }));
        operation["responses"]["200"] = self.records("The stored records, in the order of the requests.");
        operation
    }

    pub(super) fn batch_delete(&self) -> Value {
        let properties = json!({
            "id": { "type": "string", "description": "The id of the record." },
            "etag": text_or_null("Write only if this is the etag of the record. Default: any etag."),
            "allowMissing": flag_or_null("Succeed if the record does not exist."),
        });
        let example = json!({ "id": example::id(self.catalog, self.model) });
        let mut operation = self.batch(MethodKind::BatchDelete, "Deletes", (properties, json!(["id"])), example);
        let (status, response) = match self.model.soft_delete {
            Some(_) => ("200", self.records("The deleted records, in the order of the requests.")),
            None => ("204", nothing("The records are deleted.")),
        };
        operation["responses"][status] = response;
        operation
    }

    /// Restores a deleted record.
    pub(super) fn undelete(&self) -> Value {
        let summary = format!("Undeletes {}.", self.a_record());
        let kind = Operation::Method(MethodKind::Undelete);
        let mut operation = self.operation(kind, summary, &[404, 409, 412, 413, 415]);
        let mut parameters = conditions();
        parameters.push(idempotency_key());
        operation["parameters"] = parameters.into();
        let mut properties = write_option_keys();
        properties.insert("etag".into(), text_or_null("The expected etag; if it does not match, the response is 409."));
        operation["requestBody"] = json!({
            "required": false,
            "content": { "application/json": { "schema": query(properties.into()), "example": {} } },
        });
        operation["responses"]["200"] = self.stored("The undeleted record.");
        operation
    }

    fn batch(&self, kind: MethodKind, verb: &str, request: (Value, Value), example: Value) -> Value {
        let summary = format!("{verb} several {}: all of them or none.", self.model.plural);
        let mut operation = self.operation(Operation::Method(kind), summary, &[404, 409, 413, 415]);
        operation["parameters"] = json!([idempotency_key()]);
        let (properties, required) = request;
        let mut item = query(properties);
        item["required"] = required;
        let mut properties = write_option_keys();
        let requests = json!({ "type": "array", "items": item, "minItems": 1, "maxItems": MAX_BATCH });
        properties.insert("requests".into(), requests);
        let mut schema = query(properties.into());
        schema["required"] = json!(["requests"]);
        let example = json!({ "requests": [example] });
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema, "example": example } } });
        operation
    }

    fn records(&self, description: &str) -> Value {
        let mut records = self.shown(description, Envelope::Records);
        records["headers"]["idempotency-replayed"] = replayed();
        records
    }
}
