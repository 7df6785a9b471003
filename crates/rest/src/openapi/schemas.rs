//! The schema components: one for each message and enum of the models.

use super::commits;
use super::envelopes;
use super::errors;
use super::fields;
use super::names::{Side, component};
use super::queries;
use super::rules::Rules;
use crate::input::TYPE;
use groundplan_model::catalog::{Catalog, IdFormat, Model};
use groundplan_model::shape::{Cardinality, EnumShape, Field, FieldId, Kind, Shape, ShapeId};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// All components.
pub(super) fn of(catalog: &Catalog) -> Map<String, Value> {
    let mut schemas = Map::new();
    schemas.insert(errors::COMPONENT.to_owned(), errors::schema());
    let mut seen = BTreeSet::new();
    for model in &catalog.models {
        collect(catalog, model.shape, &mut seen, &mut schemas);
    }
    for model in &catalog.models {
        let chosen = (model.id_format == IdFormat::ClientAssigned).then_some(Side::Create);
        for side in [Side::Output, Side::Masked, Side::Input, Side::Patch].into_iter().chain(chosen) {
            let name = component(&model.full_name, side);
            schemas.insert(name, message(catalog, model.shape(), Some(model), side));
        }
        schemas.insert(component(&model.full_name, Side::Typed), typed(catalog, model));
        schemas.insert(component(&model.full_name, Side::Committed), committed(catalog, model));
        schemas.extend(envelopes::of(catalog, model));
    }
    schemas.extend(queries::schemas());
    schemas.extend(commits::schemas(catalog));
    schemas
}

/// The fields of a record with its model. The id can be a local reference of the same commit, such as `$a`.
fn typed(catalog: &Catalog, model: &Model) -> Value {
    let mut schema = message(catalog, model.shape(), Some(model), Side::Patch);
    let id = &model.shape().field(model.roles.id).json_name;
    schema["properties"][id] = fields::nullable(json!({ "type": "string" }));
    with_type(schema, model, Side::Typed)
}

/// A record after a commit, with the name of its model.
fn committed(catalog: &Catalog, model: &Model) -> Value {
    with_type(message(catalog, model.shape(), Some(model), Side::Committed), model, Side::Committed)
}

/// The schema of a record with the property for its model. It is written out, because client generators ignore properties
/// next to a reference.
fn with_type(mut schema: Value, model: &Model, side: Side) -> Value {
    let mut required = vec![Value::from(TYPE)];
    required.extend(schema.get("required").and_then(Value::as_array).into_iter().flatten().cloned());
    schema["properties"][TYPE] = commits::type_of(model, side);
    schema["required"] = required.into();
    schema
}

/// Adds a message type and all types that it refers to. Each type is visited once, so cycles end.
fn collect(catalog: &Catalog, root: ShapeId, seen: &mut BTreeSet<ShapeId>, schemas: &mut Map<String, Value>) {
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let shape = catalog.shapes.get(id);
        for field in &shape.fields {
            match field.kind {
                Kind::Message(inner) => open.push(inner),
                Kind::Enum(inner) => {
                    let inner = catalog.shapes.enumeration(inner);
                    schemas.insert(inner.full_name.clone(), enumeration(inner));
                }
                _ => {}
            }
        }
        for side in [Side::Output, Side::Masked, Side::Input] {
            schemas.insert(component(&shape.full_name, side), message(catalog, shape, None, side));
        }
    }
}

fn enumeration(shape: &EnumShape) -> Value {
    let names: Vec<&str> = shape.values.iter().map(|(name, _)| name.as_str()).collect();
    let numbers: Vec<String> = shape.values.iter().map(|(name, number)| format!("{number} = {name}")).collect();
    json!({
        "description": format!("A name, or a number without a name. {}.", numbers.join(", ")),
        "anyOf": [{ "type": "string", "enum": names }, { "type": "integer", "format": "int32" }],
    })
}

fn message(catalog: &Catalog, shape: &Shape, model: Option<&Model>, side: Side) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (id, field) in shape.iter() {
        if matches!(side, Side::Output | Side::Committed | Side::Masked) && field.behavior.input_only {
            continue;
        }
        let rules = Rules::of(catalog, &shape.full_name, field.number);
        properties.insert(field.json_name.clone(), property(catalog, model, id, field, &rules, side));
        if is_required(model, id, field, &rules, side) {
            required.push(Value::from(field.json_name.as_str()));
        }
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    let description = description(shape);
    if !description.is_empty() {
        schema["description"] = description.into();
    }
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    if is_sent(side) {
        schema["additionalProperties"] = false.into();
    }
    schema
}

fn property(catalog: &Catalog, model: Option<&Model>, id: FieldId, field: &Field, rules: &Rules, side: Side) -> Value {
    let mut schema = fields::schema(&catalog.shapes, field, rules, side);
    let read_only = is_read_only(model, id, field);
    if let Some(model) = model.filter(|model| model.roles.id == id) {
        match side {
            Side::Input | Side::Patch => fields::describe_optional_id(&mut schema, model.id_format),
            _ => fields::describe_id(&mut schema, model.id_format),
        }
    }
    let side_of_rules = if side == Side::Create { side } else { Side::Input };
    // Null is the same as leaving a field out, and clears it in a patch.
    if is_sent(side) && !is_required(model, id, field, rules, side_of_rules) {
        schema = fields::nullable(schema);
    }
    if !field.comment.is_empty() {
        schema["description"] = field.comment.as_str().into();
    }
    if read_only {
        schema["readOnly"] = true.into();
    }
    if field.behavior.input_only {
        schema["writeOnly"] = true.into();
    }
    if field.deprecated {
        schema["deprecated"] = true.into();
    }
    schema
}

/// Whether the client sends values of this side.
fn is_sent(side: Side) -> bool {
    matches!(side, Side::Input | Side::Create | Side::Patch)
}

/// Whether the server sets the field and ignores the client's value.
pub(super) fn is_read_only(model: Option<&Model>, id: FieldId, field: &Field) -> bool {
    let Some(roles) = model.map(|model| &model.roles) else { return field.behavior.output_only };
    let is_role = |role: Option<FieldId>| role == Some(id);
    if id == roles.id || is_role(roles.etag) {
        return false;
    }
    field.behavior.output_only || [roles.created_at, roles.updated_at, roles.deleted_at].into_iter().any(is_role)
}

fn is_required(model: Option<&Model>, id: FieldId, field: &Field, rules: &Rules, side: Side) -> bool {
    let demanded = (field.behavior.required || rules.required) && !is_read_only(model, id, field);
    let roles = model.map(|model| &model.roles);
    let is_id = roles.is_some_and(|roles| roles.id == id);
    match side {
        // A PUT has the id in its path, and a POST without an id returns an error.
        Side::Input => demanded && !is_id,
        Side::Create => demanded || is_id,
        Side::Patch | Side::Typed | Side::Masked => false,
        Side::Output | Side::Committed => {
            let set_by_server = roles
                .is_some_and(|roles| is_id || [roles.created_at, roles.updated_at, roles.etag].contains(&Some(id)));
            let always_there = match field.cardinality {
                Cardinality::Implicit => !matches!(field.kind, Kind::Message(_)),
                Cardinality::Repeated | Cardinality::Map(_) => true,
                Cardinality::Explicit | Cardinality::Oneof(_) => false,
            };
            set_by_server || always_there
        }
    }
}

fn description(shape: &Shape) -> String {
    let mut text = shape.comment.clone();
    for oneof in &shape.oneofs {
        let members: Vec<&str> = oneof.members.iter().map(|member| shape.field(*member).json_name.as_str()).collect();
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&format!("At most one of {} is set.", members.join(", ")));
    }
    text
}
