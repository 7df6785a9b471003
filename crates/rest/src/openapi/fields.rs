//! The schema of one field.

use super::names::{Side, reference};
use super::rules::Rules;
use groundplan_model::catalog::IdFormat;
use groundplan_model::shape::{Cardinality, Field, Integer, Kind, MapKey, Shapes};
use serde_json::{Map, Value, json};

/// Keywords for numbers, which do not apply to 64-bit integers in strings.
const NUMERIC: [&str; 6] = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "const", "enum"];

/// The schema of a field's value on one side of the API. Rules apply only to requests, because stored values can be older.
pub(super) fn schema(shapes: &Shapes, field: &Field, rules: &Rules, side: Side) -> Value {
    let inner = match (side, field.cardinality) {
        // A mask can select fields of messages, but not in lists and maps.
        (Side::Masked, Cardinality::Repeated | Cardinality::Map(_)) | (Side::Output | Side::Committed, _) => {
            Side::Output
        }
        (Side::Masked, _) => Side::Masked,
        // A nested message is sent as a whole, even in a patch.
        (Side::Input | Side::Create | Side::Patch | Side::Typed, _) => Side::Input,
    };
    let element = |rules: Option<&Rules>| {
        let mut element = one(shapes, field.kind, inner);
        if let Some(rules) = rules.filter(|_| inner == Side::Input) {
            constrain(&mut element, &rules.keywords);
        }
        element
    };
    let mut whole = match field.cardinality {
        Cardinality::Repeated => json!({ "type": "array", "items": element(rules.elements.as_deref()) }),
        Cardinality::Map(key) => {
            let mut keys = map_keys(key, inner);
            if let (Side::Input, MapKey::String, Some(rules)) = (inner, key, rules.keys.as_deref()) {
                constrain(&mut keys, &rules.keywords);
            }
            let values = element(rules.elements.as_deref());
            json!({ "type": "object", "propertyNames": keys, "additionalProperties": values })
        }
        _ => return element(Some(rules)),
    };
    if inner == Side::Input {
        constrain(&mut whole, &rules.keywords);
    }
    whole
}

/// Allows `null` as a value.
pub(super) fn nullable(mut schema: Value) -> Value {
    let nothing = json!({ "type": "null" });
    if let Some(choices) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        choices.push(nothing);
        return schema;
    }
    // A schema without a type accepts any value.
    if schema.get("type").is_none() && schema.get("$ref").is_none() {
        return schema;
    }
    json!({ "anyOf": [schema, nothing] })
}

/// Describes the format of ids.
pub(super) fn describe_id(schema: &mut Value, format: IdFormat) {
    match format {
        IdFormat::UuidV7 => schema["format"] = "uuid".into(),
        IdFormat::ClientAssigned => schema["pattern"] = format!("^{ASSIGNED}$").into(),
    }
}

/// The same for an id that can be empty, which means absent. It is one schema, because generators create a type
/// for each alternative.
pub(super) fn describe_optional_id(schema: &mut Value, format: IdFormat) {
    let id = match format {
        IdFormat::UuidV7 => UUID,
        IdFormat::ClientAssigned => ASSIGNED,
    };
    schema["pattern"] = format!("^({id})?$").into();
}

const ASSIGNED: &str = "[A-Za-z0-9][A-Za-z0-9._~-]{0,127}";
const UUID: &str = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";

fn map_keys(key: MapKey, side: Side) -> Value {
    match key {
        MapKey::String => json!({ "type": "string" }),
        MapKey::Bool => json!({ "type": "string", "enum": ["true", "false"] }),
        MapKey::Integer(_) if side == Side::Input => json!({ "type": "string", "pattern": NUMBER }),
        MapKey::Integer(integer) => json!({ "type": "string", "pattern": digits(integer) }),
    }
}

fn one(shapes: &Shapes, kind: Kind, side: Side) -> Value {
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer(kind) => integer(kind, side),
        Kind::Float => float("float", side),
        Kind::Double => float("double", side),
        Kind::String => json!({ "type": "string" }),
        Kind::Bytes => json!({ "type": "string", "format": "byte", "contentEncoding": "base64" }),
        Kind::Enum(id) => reference(&shapes.enumeration(id).full_name, Side::Output),
        Kind::Message(id) => reference(&shapes.get(id).full_name, side),
        Kind::Timestamp => json!({ "type": "string", "format": "date-time" }),
        Kind::Duration => json!({ "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$" }),
        Kind::Wrapper(wrapped) => one(shapes, wrapped.kind(), side),
        Kind::FieldMask => field_mask(side),
        Kind::Struct => json!({ "type": "object", "additionalProperties": true }),
        Kind::Value => json!({ "description": "Any JSON value." }),
        Kind::ListValue => json!({ "type": "array", "items": {} }),
        Kind::Empty => json!({ "type": "object", "additionalProperties": false }),
    }
}

/// Numbers in strings are accepted too, and 64-bit numbers are returned so, to keep their precision in JavaScript.
fn integer(integer: Integer, side: Side) -> Value {
    let number = match (integer.is_64_bit(), integer.is_unsigned()) {
        (true, false) => json!({ "type": "integer", "format": "int64" }),
        (true, true) => json!({ "type": "integer", "format": "uint64", "minimum": 0 }),
        (false, false) => json!({ "type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX }),
        (false, true) => json!({ "type": "integer", "format": "uint32", "minimum": 0, "maximum": u32::MAX }),
    };
    let format = number["format"].clone();
    match (side, integer.is_64_bit()) {
        (Side::Input, false) => json!({ "anyOf": [number, text_number()] }),
        (Side::Input, true) => {
            json!({ "anyOf": [{ "type": "string", "format": format, "pattern": NUMBER }, number] })
        }
        (_, true) => json!({ "type": "string", "format": format, "pattern": digits(integer) }),
        (_, false) => number,
    }
}

fn digits(integer: Integer) -> &'static str {
    if integer.is_unsigned() { "^[0-9]+$" } else { "^-?[0-9]+$" }
}

/// A number of JSON, as text.
const NUMBER: &str = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$";

fn text_number() -> Value {
    json!({ "type": "string", "pattern": NUMBER })
}

fn float(format: &str, side: Side) -> Value {
    let mut choices = vec![
        json!({ "type": "number", "format": format }),
        json!({ "type": "string", "enum": ["NaN", "Infinity", "-Infinity"] }),
    ];
    if side == Side::Input {
        choices.push(text_number());
    }
    json!({ "anyOf": choices })
}

fn field_mask(side: Side) -> Value {
    let text = json!({ "type": "string", "description": "Paths in lowerCamel, separated by commas." });
    if side != Side::Input {
        return text;
    }
    let paths = json!({ "type": "array", "items": { "type": "string" } });
    json!({ "anyOf": [
        text,
        { "type": "object", "properties": { "paths": paths }, "additionalProperties": false },
    ] })
}

/// Adds the keywords of a rule, where they have the same meaning.
fn constrain(schema: &mut Value, keywords: &Map<String, Value>) {
    let is_reference = schema.get("$ref").is_some();
    for target in alternatives(schema) {
        let is_text = target.get("type").is_some_and(|kind| kind == "string");
        // Names such as `NaN`, and numbers in strings, do not change.
        let is_number_text = is_text && (target.contains_key("enum") || target.contains_key("pattern"));
        for (name, value) in keywords {
            let numeric = NUMERIC.contains(&name.as_str());
            let mentions_numbers =
                value.is_number() || value.as_array().is_some_and(|values| values.iter().all(Value::is_number));
            // An enum's numbers are not the names that its JSON has.
            if !(is_reference || is_number_text || is_text && numeric && mentions_numbers) {
                target.insert(name.clone(), value.clone());
            }
        }
        // The rule's exclusive bound is the tighter one.
        for (exclusive, inclusive) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            if target.contains_key(exclusive) && !keywords.contains_key(inclusive) {
                target.remove(inclusive);
            }
        }
    }
}

/// The alternatives of a schema.
fn alternatives(schema: &mut Value) -> Vec<&mut Map<String, Value>> {
    if schema.get("anyOf").is_some() {
        let choices = schema.get_mut("anyOf").and_then(Value::as_array_mut);
        return choices.into_iter().flatten().filter_map(Value::as_object_mut).collect();
    }
    schema.as_object_mut().into_iter().collect()
}
