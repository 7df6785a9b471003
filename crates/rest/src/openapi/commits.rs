//! What a commit takes and answers.

use super::names::{Side, reference};
use super::paths::{flag_or_null, manner, mask, text_or_null};
use super::queries::{or_null, query};
use crate::answer::TYPE_URL;
use crate::choices::ISOLATION;
use crate::input::TYPE;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_operations::limits::MAX_BATCH;
use serde_json::{Map, Value, json};

/// What `:commit` takes.
pub(super) const REQUEST: &str = "Commit-Request";
/// What `:commit` answers.
pub(super) const RESULTS: &str = "Commit-Results";
/// What the operation stands under.
pub(super) const TAG: &str = "Commit";

/// The kinds of writes.
const OPERATIONS: [&str; 5] = ["create", "update", "delete", "undelete", "verify"];

/// The tag.
pub(super) fn tag() -> Value {
    json!({ "name": TAG, "description": "Writes of any models together." })
}

/// What says which model a record is of.
pub(super) fn type_of(model: &Model, side: Side) -> Value {
    json!({ "type": "string", "enum": types(model, side), "description": "The record's model." })
}

/// How a model is called: the server takes its name too.
fn types(model: &Model, side: Side) -> Vec<String> {
    let name = &model.full_name;
    let short = (side == Side::Typed).then(|| name.clone());
    [format!("{TYPE_URL}{name}")].into_iter().chain(short).collect()
}

/// The components; none where there is no model.
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
    let mut properties = manner();
    properties.insert(
        "writes".into(),
        json!({ "type": "array", "items": { "oneOf": writes }, "minItems": 1, "maxItems": MAX_BATCH }),
    );
    properties.insert(
        "isolation".into(),
        or_null(isolation, "SERIALIZABLE: as if no other serializable commit ran meanwhile. Default: READ_COMMITTED."),
    );
    required(query(properties.into()), &["writes"])
}

/// A write of one kind.
fn write(catalog: &Catalog, name: &str) -> Value {
    let mut properties = Map::new();
    let holds = "Must hold for the record as it is before the write: CEL over its fields. Not with create. Default: whatever it is.";
    properties.insert("condition".into(), text_or_null(holds));
    properties.insert(name.to_owned(), operation(catalog, name));
    required(query(properties.into()), &[name])
}

fn operation(catalog: &Catalog, name: &str) -> Value {
    let etag = text_or_null("Only if this is the record's etag. Default: whatever it is.");
    let named = json!({
        "model": { "type": "string", "enum": names(catalog), "description": "The record's model." },
        "id": { "type": "string", "description": "The record's id, or `$` and a localRef." },
        "etag": etag,
    });
    let with = |mut properties: Value, name: &str, schema: Value| {
        properties[name] = schema;
        required(query(properties), &["model", "id"])
    };
    match name {
        "create" => {
            let local_ref = json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{0,64}$" });
            let known = "A name for the record, by which writes behind this one know it.";
            let properties = json!({ "record": typed(catalog, false), "localRef": or_null(local_ref, known) });
            required(query(properties), &["record"])
        }
        "update" => required(query(update(catalog, etag)), &["record"]),
        "delete" => with(named, "allowMissing", flag_or_null("Go on if the record is not there.")),
        "verify" => with(named, "missing", flag_or_null("The record must not be there.")),
        _ => required(query(named), &["model", "id"]),
    }
}

fn update(catalog: &Catalog, etag: Value) -> Value {
    json!({
        "record": typed(catalog, true),
        "updateMask": mask("What to change. Default: the fields whose keys are there and that nothing else here names; null clears one."),
        "etag": etag,
        "allowMissing": flag_or_null("Create the record if it is not there."),
        "increment": mask("Numbers and durations to which those in the record are added."),
        "append": mask("Lists to whose end the elements in the record are put."),
        "remove": mask("Lists out of which the elements in the record are taken."),
        "maximum": mask("Fields that become the larger one of what is stored and what is in the record."),
        "minimum": mask("Likewise the smaller one."),
        "serverTime": mask("Timestamps that become the time of the write."),
    })
}

/// A record of any model. One that is there already has its id.
fn typed(catalog: &Catalog, is_there: bool) -> Value {
    let mut record = record(catalog, Side::Typed);
    let choices = record["oneOf"].as_array_mut().into_iter().flatten();
    for (choice, model) in choices.zip(&catalog.models).filter(|_| is_there) {
        choice["required"] = json!([model.shape().field(model.roles.id).json_name]);
    }
    record
}

/// One of the components of this side. Where generators know by what to tell them apart, clients have a type for each.
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
    record["description"] = "The record as it is behind the write.".into();
    let result = json!({
        "type": "object",
        "description": "What one write has done; empty where the record is deleted for good, or was only verified.",
        "properties": {
            "record": record,
            "etag": { "type": "string", "description": "Its etag." },
        },
    });
    let data = json!({
        "type": "object",
        "required": ["results", "attempts"],
        "properties": {
            "results": { "type": "array", "items": result },
            "attempts": { "type": "integer", "format": "int32", "description": "How often the server had to begin: more than 1 if others came first." },
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
