//! The paths and their operations.

use super::errors;
use super::example::{self, Purpose};
use super::names::{Operation, OperationIds, Side, reference};
use super::schemas::{envelope_name, page_name};
use crate::target;
use groundplan_model::catalog::{Catalog, IdFormat, Model};
use serde_json::{Map, Value, json};

/// All paths.
pub(super) fn of(catalog: &Catalog) -> Map<String, Value> {
    let ids = OperationIds::of(catalog);
    let mut paths = Map::new();
    for model in &catalog.models {
        let of = OfModel { catalog, model, ids: &ids };
        let path = target::path_of(model);
        paths.insert(format!("{path}/{{id}}"), of.record());
        paths.insert(path, of.collection());
    }
    paths
}

struct OfModel<'a> {
    catalog: &'a Catalog,
    model: &'a Model,
    ids: &'a OperationIds,
}

impl OfModel<'_> {
    fn collection(&self) -> Value {
        json!({ "get": self.list(), "post": self.create() })
    }

    fn record(&self) -> Value {
        let id = json!({
            "name": "id", "in": "path", "required": true, "schema": self.id_schema(),
            "description": "The record's id.", "example": example::id(self.catalog, self.model),
        });
        json!({
            "parameters": [id],
            "get": self.get(),
            "patch": self.patch(),
            "put": self.replace(),
            "delete": self.delete(),
        })
    }

    fn create(&self) -> Value {
        let input = reference(&self.model.full_name, Side::Input);
        let id_name = &self.model.shape().field(self.model.roles.id).json_name;
        let schema = match self.model.id_format {
            IdFormat::UuidV7 => input,
            IdFormat::ClientAssigned => json!({ "allOf": [input, { "required": [id_name] }] }),
        };
        let mut created = self.stored("The record as it is stored.");
        created["headers"]["Location"] =
            header("The record's path.", json!({ "type": "string", "format": "uri-reference" }));
        let mut operation =
            self.operation(Operation::Create, format!("Creates {}.", self.a_record()), &[404, 409, 413, 415]);
        operation["requestBody"] = self.body(schema, Purpose::Create);
        operation["responses"]["201"] = created;
        operation
    }

    fn get(&self) -> Value {
        let mut operation = self.operation(Operation::Get, format!("Reads {}.", self.a_record()), &[404]);
        operation["parameters"] =
            json!([condition("If-None-Match", "Etags, or `*`. If the record has one of them, the answer is 304.")]);
        operation["responses"]["200"] = self.stored("The record.");
        operation["responses"]["304"] =
            json!({ "description": "The record has one of the etags.", "headers": { "ETag": etag() } });
        operation
    }

    fn list(&self) -> Value {
        let mut operation =
            self.operation(Operation::List, format!("Reads {}, page by page.", self.model.plural), &[404]);
        operation["parameters"] = json!([
            {
                "name": "pageSize", "in": "query", "description": "At most so many records; 0 lets the server decide, and it may give fewer.",
                "schema": { "type": "integer", "format": "int32", "minimum": 0 }, "example": 10,
            },
            {
                "name": "pageToken", "in": "query", "description": "The nextPageToken of the page before.",
                "schema": { "type": "string" },
            },
        ]);
        let example =
            json!({ "data": [example::record(self.catalog, self.model, Purpose::Output)], "nextPageToken": "" });
        let schema = json!({ "$ref": format!("#/components/schemas/{}", page_name(self.model)) });
        operation["responses"]["200"] = json!({
            "description": "A page of records.",
            "headers": { "groundplan-revision": revision() },
            "content": { "application/json": { "schema": schema, "example": example } },
        });
        operation
    }

    fn patch(&self) -> Value {
        let summary = format!("Changes the fields of {} whose keys are in the body; null clears one.", self.a_record());
        let mut operation = self.operation(Operation::Patch, summary, &[404, 409, 412, 413, 415]);
        operation["parameters"] = conditions();
        operation["requestBody"] = self.body(reference(&self.model.full_name, Side::Patch), Purpose::Patch);
        operation["responses"]["200"] = self.stored("The record as it is stored now.");
        operation
    }

    fn replace(&self) -> Value {
        let summary = format!("Replaces {}; what is not in the body is cleared.", self.a_record());
        let mut operation = self.operation(Operation::Replace, summary, &[404, 409, 412, 413, 415]);
        operation["parameters"] = conditions();
        operation["requestBody"] = self.body(reference(&self.model.full_name, Side::Input), Purpose::Replace);
        operation["responses"]["200"] = self.stored("The record as it is stored now.");
        operation
    }

    fn delete(&self) -> Value {
        let mut operation =
            self.operation(Operation::Delete, format!("Deletes {}.", self.a_record()), &[404, 409, 412]);
        let mut parameters = conditions();
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.push(json!({
                "name": "etag", "in": "query", "schema": { "type": "string" },
                "description": "The record's etag; if it has another, the answer is 409.",
            }));
        }
        operation["parameters"] = parameters;
        operation["responses"]["204"] =
            json!({ "description": "The record is deleted.", "headers": { "groundplan-revision": revision() } });
        operation
    }

    fn operation(&self, operation: Operation, summary: String, failures: &[u16]) -> Value {
        json!({
            "operationId": self.ids.get(self.model, operation),
            "tags": [self.model.full_name],
            "summary": summary,
            "responses": errors::references(failures),
        })
    }

    fn body(&self, schema: Value, purpose: Purpose) -> Value {
        let example = example::record(self.catalog, self.model, purpose);
        json!({ "required": true, "content": { "application/json": { "schema": schema, "example": example } } })
    }

    fn stored(&self, description: &str) -> Value {
        let example = json!({ "data": example::record(self.catalog, self.model, Purpose::Output) });
        let schema = json!({ "$ref": format!("#/components/schemas/{}", envelope_name(self.model)) });
        json!({
            "description": description,
            "headers": { "ETag": etag(), "groundplan-revision": revision() },
            "content": { "application/json": { "schema": schema, "example": example } },
        })
    }

    /// The model's name with its article, as far as a letter tells.
    fn a_record(&self) -> String {
        let article = if self.model.name.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
        format!("{article} {}", self.model.name)
    }

    fn id_schema(&self) -> Value {
        match self.model.id_format {
            IdFormat::UuidV7 => json!({ "type": "string", "format": "uuid" }),
            IdFormat::ClientAssigned => json!({ "type": "string" }),
        }
    }
}

fn conditions() -> Value {
    json!([
        condition("If-Match", "Etags, or `*`. If the record has none of them, nothing happens and the answer is 412."),
        condition(
            "If-None-Match",
            "Etags, or `*`. If the record has one of them, nothing happens and the answer is 412."
        ),
    ])
}

fn condition(name: &str, description: &str) -> Value {
    json!({
        "name": name, "in": "header", "description": description, "schema": { "type": "string" },
        "example": format!("\"{}\"", example::ETAG),
    })
}

fn etag() -> Value {
    header("The record's version, in double quotes.", json!({ "type": "string" }))
}

fn revision() -> Value {
    header("The revision that gave the answer.", json!({ "type": "integer", "format": "int64" }))
}

fn header(description: &str, schema: Value) -> Value {
    json!({ "description": description, "schema": schema })
}
