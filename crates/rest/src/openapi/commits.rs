//! The request and the response of a commit.

use super::bodies::{flag_or_null, mask, or_null, query, text_or_null, write_option_keys};
use super::names::{Side, reference};
use crate::enum_params::ISOLATION;
use crate::input::TYPE;
use crate::response::TYPE_URL;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_operations::limits::MAX_BATCH;
use serde_json::{Map, Value, json};

/// The request of `:commit`.
pub(super) const REQUEST: &str = "Commit-Request";
/// The response of `:commit`.
pub(super) const RESULTS: &str = "Commit-Results";
/// The tag of the operation.
pub(super) const TAG: &str = "Commit";

/// The kinds of writes.
const OPERATIONS: [&str; 5] = ["create", "update", "delete", "undelete", "verify"];

/// The tag.
pub(super) fn tag() -> Value {
    json!({ "name": TAG, "description": "Writes records of several models in one transaction." })
}

/// The property for the model of a record.
pub(super) fn type_of(model: &Model, side: Side) -> Value {
    json!({ "type": "string", "enum": types(model, side), "description": "The full name of the model." })
}

/// The accepted names of a model.
fn types(model: &Model, side: Side) -> Vec<String> {
    let name = &model.full_name;
    let short = (side == Side::Typed).then(|| name.clone());
    [format!("{TYPE_URL}{name}")].into_iter().chain(short).collect()
}

/// The components; none without models.
pub(super) fn schemas(catalog: &Catalog) -> Map<String, Value> {
    if catalog.models.is_empty() {
        return Map::new();
    }
    let of = [(REQUEST, request(catalog)), (RESULTS, results(catalog))];
    of.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn request(catalog: &Catalog) -> Value {
    let writes: Vec<Value> = OPERATIONS.into_iter().map(|name| write(catalog, name)).collect();
    let isolation = json!({ "type": "string", "enum": ISOLATION.names() });
    let mut properties = write_option_keys();
    properties.insert(
        "writes".into(),
        json!({ "type": "array", "items": { "oneOf": writes }, "minItems": 1, "maxItems": MAX_BATCH }),
    );
    properties.insert(
        "isolation".into(),
        or_null(
            isolation,
            "With SERIALIZABLE, serializable commits behave as if run sequentially. Default: READ_COMMITTED.",
        ),
    );
    required(query(properties.into()), &["writes"])
}

/// A write of one kind.
fn write(catalog: &Catalog, name: &str) -> Value {
    let mut properties = Map::new();
    let holds = "A condition on the record before the write: CEL over its fields. Not allowed with create. Default: no condition.";
    properties.insert("condition".into(), text_or_null(holds));
    properties.insert(name.to_owned(), operation(catalog, name));
    required(query(properties.into()), &[name])
}

fn operation(catalog: &Catalog, name: &str) -> Value {
    let etag = text_or_null("Write only if this is the etag of the record. Default: any etag.");
    let named = json!({
        "model": { "type": "string", "enum": names(catalog), "description": "The full name of the model." },
        "id": { "type": "string", "description": "The id of the record, or `$` and a localRef." },
        "etag": etag,
    });
    let with = |mut properties: Value, name: &str, schema: Value| {
        properties[name] = schema;
        required(query(properties), &["model", "id"])
    };
    match name {
        "create" => {
            let local_ref = json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{0,64}$" });
            let known = "A name for the record, which later writes can use as `$name`.";
            let properties = json!({ "record": typed(catalog, false), "localRef": or_null(local_ref, known) });
            required(query(properties), &["record"])
        }
        "update" => required(query(update(catalog, etag)), &["record"]),
        "delete" => with(named, "allowMissing", flag_or_null("Succeed if the record does not exist.")),
        "verify" => with(named, "missing", flag_or_null("Require that the record does not exist.")),
        _ => required(query(named), &["model", "id"]),
    }
}

fn update(catalog: &Catalog, etag: Value) -> Value {
    json!({
        "record": typed(catalog, true),
        "updateMask": mask("The fields to change. Default: the fields whose keys are present and that no transform names; null clears a field."),
        "etag": etag,
        "allowMissing": flag_or_null("Create the record if it does not exist."),
        "increment": mask("Numbers and durations to increment by the values in the record."),
        "append": mask("Lists to which to append the elements in the record."),
        "remove": mask("Lists from which to remove every element present in the record."),
        "maximum": mask("Fields to set to the maximum of the stored value and the value in the record."),
        "minimum": mask("Fields to set to the minimum of the stored value and the value in the record."),
        "serverTime": mask("Timestamps to set to the time of the write."),
    })
}

/// A record of any model. An existing record requires its id.
fn typed(catalog: &Catalog, is_there: bool) -> Value {
    let mut record = record(catalog, Side::Typed);
    let choices = record["oneOf"].as_array_mut().into_iter().flatten();
    for (choice, model) in choices.zip(&catalog.models).filter(|_| is_there) {
        choice["required"] = json!([model.shape().field(model.roles.id).json_name]);
    }
    record
}

/// One of the components of this side. With a discriminator, generators create a type for each.
fn record(catalog: &Catalog, side: Side) -> Value {
    let references = catalog.models.iter().map(|model| reference(&model.full_name, side));
    let mapping: Map<String, Value> = (catalog.models.iter().zip(references.clone()))
        .flat_map(|(model, to)| types(model, side).into_iter().map(move |name| (name, to["$ref"].clone())))
        .collect();
    let discriminator = json!({ "propertyName": TYPE, "mapping": mapping });
    json!({ "oneOf": references.collect::<Vec<_>>(), "discriminator": discriminator })
}

fn results(catalog: &Catalog) -> Value {
    let mut record = record(catalog, Side::Committed);
    record["description"] = "The record after the write.".into();
    let result = json!({
        "type": "object",
        "description": "The result of one write. Empty if the record was deleted permanently or only verified.",
        "properties": {
            "record": record,
            "etag": { "type": "string", "description": "The etag of the record." },
        },
    });
    let data = json!({
        "type": "object",
        "required": ["results", "attempts"],
        "properties": {
            "results": { "type": "array", "items": result },
            "attempts": { "type": "integer", "format": "int32", "description": "The number of attempts; more than 1 after conflicts." },
        },
    });
    json!({ "type": "object", "required": ["data"], "properties": { "data": data } })
}

fn names(catalog: &Catalog) -> Vec<&str> {
    catalog.models.iter().map(|model| model.full_name.as_str()).collect()
}

fn required(mut schema: Value, names: &[&str]) -> Value {
    schema["required"] = json!(names);
    schema
}
