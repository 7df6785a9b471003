//! Example records, which decode and satisfy the known rules.

use super::rules::Rules;
use super::schemas::is_read_only;
use groundplan_model::catalog::{Catalog, IdFormat, Model};
use groundplan_model::shape::{Cardinality, EnumShape, Field, FieldId, Integer, Kind, MapKey, Shape};
use serde_json::{Map, Number, Value, json};

/// The purpose of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Create,
    Replace,
    Patch,
    Output,
}

/// The deepest nesting of messages in an example.
const MAX_DEPTH: usize = 3;
/// The most items of a list in an example, regardless of the rules.
const MAX_ITEMS: u64 = 10;

pub(super) const UUID: &str = "01981f4c-5b7e-7a3c-9d2e-3f4a5b6c7d8e";
pub(super) const ETAG: &str = "63b1f0c2a4d80";
const TIMESTAMP: &str = "2026-01-31T12:00:00Z";

/// An example of a model's record.
pub(super) fn record(catalog: &Catalog, model: &Model, purpose: Purpose) -> Value {
    let examples = Examples { catalog, is_output: purpose == Purpose::Output };
    let mut fields = Map::new();
    for (id, field) in model.shape().iter() {
        if purpose == Purpose::Patch && !fields.is_empty() {
            break;
        }
        let value = if is_system(model, id, field) {
            system_value(&examples, model, id, purpose)
        } else {
            examples.field(model.shape(), id, field, &mut vec![&model.full_name])
        };
        if let Some(value) = value {
            fields.insert(field.json_name.clone(), value);
        }
    }
    fields.into()
}

/// An example of a record's id.
pub(super) fn id(catalog: &Catalog, model: &Model) -> Value {
    let field = model.shape().field(model.roles.id);
    match model.id_format {
        IdFormat::UuidV7 => UUID.into(),
        IdFormat::ClientAssigned => string(&Rules::of(catalog, &model.full_name, field.number), 0).into(),
    }
}

fn is_system(model: &Model, id: FieldId, field: &Field) -> bool {
    id == model.roles.id || model.roles.etag == Some(id) || is_read_only(Some(model), id, field)
}

fn system_value(examples: &Examples<'_>, model: &Model, id: FieldId, purpose: Purpose) -> Option<Value> {
    let field = model.shape().field(id);
    let is_given_id = id == model.roles.id && model.id_format == IdFormat::ClientAssigned;
    match purpose {
        Purpose::Create if is_given_id => Some(self::id(examples.catalog, model)),
        Purpose::Create | Purpose::Replace | Purpose::Patch => None,
        Purpose::Output if id == model.roles.id => Some(self::id(examples.catalog, model)),
        Purpose::Output if model.roles.etag == Some(id) => Some(ETAG.into()),
        // The example record is not deleted.
        Purpose::Output if model.roles.deleted_at == Some(id) => None,
        Purpose::Output => examples.field(model.shape(), id, field, &mut vec![&model.full_name]),
    }
}

struct Examples<'a> {
    catalog: &'a Catalog,
    is_output: bool,
}

impl<'a> Examples<'a> {
    fn message(&self, shape: &'a Shape, inside: &mut Vec<&'a str>) -> Option<Value> {
        if inside.len() > MAX_DEPTH || inside.contains(&shape.full_name.as_str()) {
            return None;
        }
        inside.push(&shape.full_name);
        let mut fields = Map::new();
        for (id, field) in shape.iter() {
            let hidden = if self.is_output { field.behavior.input_only } else { field.behavior.output_only };
            if let Some(value) = self.field(shape, id, field, inside).filter(|_| !hidden) {
                fields.insert(field.json_name.clone(), value);
            }
        }
        inside.pop();
        Some(fields.into())
    }

    fn field(&self, shape: &'a Shape, id: FieldId, field: &'a Field, inside: &mut Vec<&'a str>) -> Option<Value> {
        if self.is_output && field.behavior.input_only {
            return None;
        }
        let rules = Rules::of(self.catalog, &shape.full_name, field.number);
        let elements = rules.elements.as_deref();
        match field.cardinality {
            Cardinality::Oneof(at) if shape.oneofs.get(usize::from(at))?.members.first() != Some(&id) => None,
            Cardinality::Repeated => {
                let items = (0..count(&rules, "minItems")).filter_map(|at| self.one(field.kind, elements, at, inside));
                let items: Vec<Value> = items.collect();
                (self.is_output || !items.is_empty()).then(|| items.into())
            }
            Cardinality::Map(key) => {
                let name = |at| map_key(key, rules.keys.as_deref(), at);
                let entry = |at| Some((name(at), self.one(field.kind, elements, at, inside)?));
                let entries: Map<String, Value> = (0..count(&rules, "minProperties")).filter_map(entry).collect();
                (self.is_output || !entries.is_empty()).then(|| entries.into())
            }
            _ => self.one(field.kind, Some(&rules), 0, inside),
        }
    }

    /// One value. `at` is its index in a list.
    fn one(&self, kind: Kind, rules: Option<&Rules>, at: u64, inside: &mut Vec<&'a str>) -> Option<Value> {
        let none = Rules::default();
        let rules = rules.unwrap_or(&none);
        let chosen = usize::try_from(at).ok().and_then(|at| rules.examples.get(at).or(rules.examples.first()));
        Some(match kind {
            Kind::Bool => chosen.cloned().unwrap_or(true.into()),
            Kind::Integer(kind) => integer(kind, rules, chosen, at),
            Kind::Float | Kind::Double => chosen.cloned().unwrap_or_else(|| float(rules, at)),
            Kind::String => chosen.cloned().unwrap_or_else(|| string(rules, at).into()),
            Kind::Bytes => "aGVsbG8=".into(),
            Kind::Enum(id) => enumeration(self.catalog.shapes.enumeration(id), chosen),
            Kind::Message(id) => return self.message(self.catalog.shapes.get(id), inside),
            Kind::Timestamp => TIMESTAMP.into(),
            Kind::Duration => "3600s".into(),
            Kind::Wrapper(wrapped) => return self.one(wrapped.kind(), Some(rules), at, inside),
            Kind::FieldMask => "fieldOne,fieldTwo".into(),
            Kind::Struct => json!({ "key": "value" }),
            Kind::Value => "value".into(),
            Kind::ListValue => json!(["value"]),
            Kind::Empty => json!({}),
        })
    }
}

fn count(rules: &Rules, keyword: &str) -> u64 {
    rules.keywords.get(keyword).and_then(Value::as_u64).unwrap_or(1).clamp(1, MAX_ITEMS)
}

fn map_key(key: MapKey, rules: Option<&Rules>, at: u64) -> String {
    match key {
        MapKey::Bool => (at == 0).to_string(),
        MapKey::Integer(_) => (at + 1).to_string(),
        MapKey::String => string(rules.unwrap_or(&Rules::default()), at),
    }
}

fn enumeration(shape: &EnumShape, chosen: Option<&Value>) -> Value {
    let by_number = chosen.and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
    let named = by_number.and_then(|number| shape.name(number));
    let first = shape.values.iter().find(|(_, number)| *number != 0).or(shape.values.first());
    named.or(first.map(|(name, _)| name.as_str())).unwrap_or_default().into()
}

fn integer(kind: Integer, rules: &Rules, chosen: Option<&Value>, at: u64) -> Value {
    let exact = |value: &Value| value.as_number().and_then(Number::as_i128);
    let bound = |name: &str| rules.keywords.get(name).and_then(exact);
    let low = bound("minimum").or(bound("exclusiveMinimum").map(|low| low + 1)).unwrap_or(i128::MIN);
    let high = bound("maximum").or(bound("exclusiveMaximum").map(|high| high - 1)).unwrap_or(i128::MAX);
    let usual = (123 + i128::from(at)).min(high).max(low);
    let number = chosen.and_then(exact).unwrap_or(usual);
    match i64::try_from(number) {
        Ok(number) if !kind.is_64_bit() => number.into(),
        _ => number.to_string().into(),
    }
}

fn float(rules: &Rules, at: u64) -> Value {
    let bound = |name: &str| rules.keywords.get(name).and_then(Value::as_f64);
    let low = bound("minimum").or(bound("exclusiveMinimum"));
    let high = bound("maximum").or(bound("exclusiveMaximum"));
    let usual = 123.0 + f64::from(u32::try_from(at).unwrap_or_default());
    let inside = |number: f64| low.is_none_or(|low| low < number) && high.is_none_or(|high| number < high);
    let number = match (low, high) {
        _ if inside(usual) => usual,
        (Some(low), Some(high)) => low + (high - low) / 2.0,
        (Some(low), None) => low + 1.0,
        (None, Some(high)) => high - 1.0,
        (None, None) => usual,
    };
    // As the codec writes it: 123, not 123.0.
    number.to_string().parse::<Number>().map_or(Value::Null, Value::Number)
}

fn string(rules: &Rules, at: u64) -> String {
    if let Some(example) = rules.examples.first().and_then(Value::as_str).filter(|_| at == 0) {
        return example.to_owned();
    }
    let middle = match rules.keywords.get("format").and_then(Value::as_str) {
        Some("uuid") => UUID,
        Some("email") => "somebody@example.com",
        Some("hostname") => "example.com",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("uri") => "https://example.com/value",
        Some("uri-reference") => "/value",
        _ => "value",
    };
    let number = if at == 0 { String::new() } else { at.to_string() };
    let (prefix, suffix) = &rules.affixes;
    let length =
        |name: &str| rules.keywords.get(name).and_then(Value::as_u64).and_then(|length| usize::try_from(length).ok());
    let around = prefix.chars().count() + number.len() + suffix.chars().count();
    let (least, most) = (length("minLength").unwrap_or(0), length("maxLength").unwrap_or(usize::MAX));
    let given = middle.chars().count();
    let wanted = given.max(least.saturating_sub(around)).min(most.saturating_sub(around)).min(given.max(256));
    let middle: String = middle.chars().cycle().take(wanted).collect();
    format!("{prefix}{middle}{number}{suffix}")
}
