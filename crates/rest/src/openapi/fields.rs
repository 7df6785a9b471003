//! The schema of one field.

use super::names::{Side, reference};
use super::rules::Rules;
use groundplan_model::shape::{Cardinality, Field, Integer, Kind, MapKey, Shapes, Wrapped};
use serde_json::{Map, Value, json};

/// Keywords about numbers, which say nothing about the strings that 64-bit integers are.
const NUMERIC: [&str; 6] = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "const", "enum"];

/// The schema of a field's value on one side of the API. Rules are for what callers send: what is stored may be older.
pub(super) fn schema(shapes: &Shapes, field: &Field, rules: &Rules, side: Side) -> Value {
    // A message inside a record is sent whole, also in a patch.
    let inner = if side == Side::Output { Side::Output } else { Side::Input };
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
            let mut keys = map_keys(key);
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

fn map_keys(key: MapKey) -> Value {
    match key {
        MapKey::String => json!({ "type": "string" }),
        MapKey::Bool => json!({ "enum": ["true", "false"] }),
        MapKey::Integer(integer) => json!({ "pattern": digits(integer) }),
    }
}

fn one(shapes: &Shapes, kind: Kind, side: Side) -> Value {
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer(kind) => integer(kind),
        Kind::Float => float("float"),
        Kind::Double => float("double"),
        Kind::String => json!({ "type": "string" }),
        Kind::Bytes => json!({ "type": "string", "format": "byte", "contentEncoding": "base64" }),
        Kind::Enum(id) => reference(&shapes.enumeration(id).full_name, Side::Output),
        Kind::Message(id) => reference(&shapes.get(id).full_name, side),
        Kind::Timestamp => json!({ "type": "string", "format": "date-time" }),
        Kind::Duration => json!({ "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$" }),
        Kind::Wrapper(wrapped) => one(shapes, unwrapped(wrapped), side),
        Kind::FieldMask => json!({ "type": "string", "description": "Paths in lowerCamel, joined by commas." }),
        Kind::Struct => json!({ "type": "object", "additionalProperties": true }),
        Kind::Value => json!({ "description": "Any JSON value." }),
        Kind::ListValue => json!({ "type": "array", "items": {} }),
        Kind::Empty => json!({ "type": "object", "additionalProperties": false }),
    }
}

/// The kind of what a wrapper holds.
pub(super) fn unwrapped(wrapped: Wrapped) -> Kind {
    match wrapped {
        Wrapped::Bool => Kind::Bool,
        Wrapped::Integer(integer) => Kind::Integer(integer),
        Wrapped::Float => Kind::Float,
        Wrapped::Double => Kind::Double,
        Wrapped::String => Kind::String,
        Wrapped::Bytes => Kind::Bytes,
    }
}

fn integer(integer: Integer) -> Value {
    match (integer.is_64_bit(), integer.is_unsigned()) {
        (true, false) => json!({ "type": "string", "format": "int64", "pattern": digits(integer) }),
        (true, true) => json!({ "type": "string", "format": "uint64", "pattern": digits(integer) }),
        (false, false) => json!({ "type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX }),
        (false, true) => json!({ "type": "integer", "format": "uint32", "minimum": 0, "maximum": u32::MAX }),
    }
}

fn digits(integer: Integer) -> &'static str {
    if integer.is_unsigned() { "^[0-9]+$" } else { "^-?[0-9]+$" }
}

fn float(format: &str) -> Value {
    json!({ "oneOf": [
        { "type": "number", "format": format },
        { "type": "string", "enum": ["NaN", "Infinity", "-Infinity"] },
    ] })
}

/// Adds a rule's keywords where they mean what the rule means.
fn constrain(schema: &mut Value, keywords: &Map<String, Value>) {
    let is_reference = schema.get("$ref").is_some();
    let is_text = schema["type"] == "string";
    let is_float = schema.get("oneOf").is_some();
    let target = if is_float { schema.pointer_mut("/oneOf/0") } else { Some(schema) };
    let Some(target) = target.and_then(Value::as_object_mut) else { return };
    for (name, value) in keywords {
        let numeric = NUMERIC.contains(&name.as_str());
        let mentions_numbers =
            value.is_number() || value.as_array().is_some_and(|values| values.iter().all(Value::is_number));
        // An enum's numbers are not the names that its JSON has.
        if is_reference || (is_text && numeric && mentions_numbers) {
            continue;
        }
        target.insert(name.clone(), value.clone());
    }
    // The rule's exclusive bound is the tighter one.
    for (exclusive, inclusive) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if target.contains_key(exclusive) && !keywords.contains_key(inclusive) {
            target.remove(inclusive);
        }
    }
}
