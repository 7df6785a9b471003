//! The operations that write one record.

use super::{OfModel, Operation};
use crate::openapi::bodies::request_id;
use crate::openapi::envelopes::Envelope;
use crate::openapi::example::Purpose;
use crate::openapi::headers::{conditions, etag, header, idempotency_key, replayed, revision};
use crate::openapi::names::{Side, reference};
use crate::openapi::queries::parameter;
use crate::request_id::NAME as KEY;
use groundplan_model::catalog::{IdFormat, MethodKind};
use serde_json::{Value, json};

/// The difference between the two media types of a PATCH.
const MERGE: &str = "As `application/json`, each field whose key is present is replaced as a whole. As `application/merge-patch+json` (RFC 7396), objects are merged recursively into messages, maps and free-form JSON, and null removes a field or a map key.";

impl OfModel<'_> {
    pub(super) fn create(&self) -> Value {
        let mut operation = self.operation(
            Operation::Method(MethodKind::Create),
            format!("Creates {}.", self.a_record()),
            &[404, 409, 413, 415],
        );
        operation["parameters"] = write_option_parameters().into();
        operation["requestBody"] = self.body(self.whole(), Purpose::Create);
        operation["responses"]["201"] = self.created("The stored record.");
        operation["responses"]["200"] =
            self.shown("With validateOnly: the record that a write would store.", Envelope::Written);
        operation
    }

    /// A record to create.
    pub(super) fn whole(&self) -> Value {
        let side = match self.model.id_format {
            IdFormat::UuidV7 => Side::Input,
            IdFormat::ClientAssigned => Side::Create,
        };
        reference(&self.model.full_name, side)
    }

    pub(super) fn patch(&self) -> Value {
        let summary =
            format!("Updates the fields of {} whose keys are in the body; null clears a field.", self.a_record());
        let mut operation = self.operation(Operation::Patch, summary, &[404, 409, 412, 413, 415]);
        operation["parameters"] = self.update_parameters().into();
        operation["requestBody"] = self.body(reference(&self.model.full_name, Side::Patch), Purpose::Patch);
        let patch = json!({ "schema": reference(&self.model.full_name, Side::Patch) });
        operation["requestBody"]["content"]["application/merge-patch+json"] = patch;
        operation["requestBody"]["description"] = MERGE.into();
        operation["responses"]["200"] = self.stored("The stored record.");
        operation["responses"]["201"] = self.created("The record, created because allowMissing is set.");
        operation
    }

    pub(super) fn replace(&self) -> Value {
        let summary = format!("Replaces {}; fields that are not in the body are cleared.", self.a_record());
        let mut operation = self.operation(Operation::Replace, summary, &[404, 409, 412, 413, 415]);
        operation["parameters"] = self.update_parameters().into();
        operation["requestBody"] = self.body(reference(&self.model.full_name, Side::Input), Purpose::Replace);
        operation["responses"]["200"] = self.stored("The stored record.");
        operation["responses"]["201"] = self.created("The created record.");
        operation
    }

    fn update_parameters(&self) -> Vec<Value> {
        let allow_missing = "Create the record if it does not exist. Not allowed with If-Match, which requires an existing record. A PUT with `If-None-Match: *` does not need it.";
        let mut parameters = conditions();
        parameters.extend(write_option_parameters());
        parameters.push(allow_missing_parameter(allow_missing));
        parameters
    }

    pub(super) fn delete(&self) -> Value {
        let summary = format!("Deletes {}.", self.a_record());
        let mut operation = self.operation(Operation::Method(MethodKind::Delete), summary, &[404, 409, 412]);
        let etag = "The expected etag; if it does not match, the response is 409.";
        let mut parameters = conditions();
        parameters.push(parameter("etag", etag, json!({ "type": "string" }), Value::Null));
        parameters.extend(write_option_parameters());
        parameters.push(allow_missing_parameter("Succeed if the record does not exist."));
        operation["parameters"] = parameters.into();
        let kept = self.model.soft_delete.is_some();
        if kept {
            operation["responses"]["200"] = self.stored("The deleted record. It can be undeleted.");
        }
        let gone = if kept { "The record does not exist, and allowMissing is set." } else { "The record is deleted." };
        operation["responses"]["204"] = nothing(gone);
        operation
    }

    /// A response with a created record and its path.
    fn created(&self, description: &str) -> Value {
        let mut created = self.stored(description);
        created["headers"]["Location"] =
            header("The path of the record.", json!({ "type": "string", "format": "uri-reference" }));
        created
    }

    /// A response with a written record and its ETag.
    pub(super) fn stored(&self, description: &str) -> Value {
        let mut stored = self.shown(description, Envelope::Written);
        stored["headers"]["ETag"] = etag();
        stored["headers"]["idempotency-replayed"] = replayed();
        stored
    }
}

/// A response without a body.
pub(super) fn nothing(description: &str) -> Value {
    json!({
        "description": description,
        "headers": { "groundplan-revision": revision(), "idempotency-replayed": replayed() },
    })
}

/// The parameters of any single write.
fn write_option_parameters() -> Vec<Value> {
    let id = format!("The same as {KEY}, in the query.");
    let only = "Validate the request without writing anything. The response has the record that a write would return, without an ETag.";
    vec![
        idempotency_key(),
        parameter("requestId", &id, request_id(), Value::Null),
        parameter("validateOnly", only, json!({ "type": "boolean" }), true.into()),
    ]
}

fn allow_missing_parameter(description: &str) -> Value {
    parameter("allowMissing", description, json!({ "type": "boolean" }), true.into())
}
