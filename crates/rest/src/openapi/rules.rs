//! The `buf.validate` rules of a field that JSON Schema can express.

use groundplan_model::catalog::Catalog;
use prost_reflect::{DynamicMessage, FieldDescriptor, Value as Reflected};
use serde_json::{Map, Number, Value};

/// The rules of a field.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) required: bool,
    /// Keywords of JSON Schema about one value (of a list or map: about the whole).
    pub(super) keywords: Map<String, Value>,
    /// The examples in the rules, and the only allowed values.
    pub(super) examples: Vec<Value>,
    /// The prefix and the suffix of a string.
    pub(super) affixes: (String, String),
    /// The rules of a list's items or a map's values.
    pub(super) elements: Option<Box<Rules>>,
    /// The rules of a map's keys.
    pub(super) keys: Option<Box<Rules>>,
}

impl Rules {
    /// The rules of a field of a message; none if the models do not use `buf.validate`.
    pub(super) fn of(catalog: &Catalog, message: &str, number: u32) -> Self {
        let field = catalog.pool.get_message_by_name(message).and_then(|message| message.get_field(number));
        field.and_then(|field| options(catalog, &field)).map(|rules| Self::read(&rules)).unwrap_or_default()
    }

    fn read(rules: &DynamicMessage) -> Self {
        let mut read = Self { required: flag(rules, "required"), ..Self::default() };
        // Rules that apply only sometimes would make the schema stricter than the server.
        let ignore = rules.get_field_by_name("ignore").and_then(|value| value.as_enum_number()).unwrap_or_default();
        let kind = rules.fields().find(|(field, _)| field.containing_oneof().is_some());
        let (Some((kind, Reflected::Message(of_kind))), 0) = (kind, ignore) else { return read };
        read.read_kind(kind.name(), of_kind);
        read
    }

    fn read_kind(&mut self, kind: &str, rules: &DynamicMessage) {
        for (field, value) in rules.fields() {
            match (kind, field.name()) {
                ("string", "min_len") => self.keyword("minLength", value),
                ("string", "max_len") => self.keyword("maxLength", value),
                ("string", "len") => {
                    self.keyword("minLength", value);
                    self.keyword("maxLength", value);
                }
                ("string", "pattern") => self.pattern(value),
                ("string", "prefix") => self.affixes.0 = value.as_str().unwrap_or_default().to_owned(),
                ("string", "suffix") => self.affixes.1 = value.as_str().unwrap_or_default().to_owned(),
                ("string", name @ ("email" | "hostname" | "ipv4" | "ipv6" | "uri" | "uuid")) => {
                    self.format(name, value)
                }
                ("string", "uri_ref") => self.format("uri-reference", value),
                ("repeated", "min_items") => self.keyword("minItems", value),
                ("repeated", "max_items") => self.keyword("maxItems", value),
                ("repeated", "unique") => self.keyword("uniqueItems", value),
                ("map", "min_pairs") => self.keyword("minProperties", value),
                ("map", "max_pairs") => self.keyword("maxProperties", value),
                ("repeated", "items") | ("map", "values") => self.elements = nested(value),
                ("map", "keys") => self.keys = nested(value),
                ("duration" | "timestamp" | "field_mask" | "any" | "bytes", _) => {}
                (_, "gt") => self.keyword("exclusiveMinimum", value),
                (_, "gte") => self.keyword("minimum", value),
                (_, "lt") => self.keyword("exclusiveMaximum", value),
                (_, "lte") => self.keyword("maximum", value),
                (_, "const") => {
                    self.keyword("const", value);
                    self.examples.extend(plain(value));
                }
                (_, "in") => {
                    self.keyword("enum", value);
                    self.examples.extend(list(value));
                }
                // The examples of the author come first.
                (_, "example") => drop(self.examples.splice(0..0, list(value))),
                _ => {}
            }
        }
        self.drop_inverted_range();
    }

    /// A lower bound above the upper one means "outside" to protovalidate and "nothing" to JSON Schema.
    fn drop_inverted_range(&mut self) {
        let bound = |names: [&str; 2]| names.iter().find_map(|name| self.keywords.get(*name)).and_then(Value::as_f64);
        let low = bound(["minimum", "exclusiveMinimum"]);
        let high = bound(["maximum", "exclusiveMaximum"]);
        if low.zip(high).is_some_and(|(low, high)| low > high) {
            for name in ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"] {
                self.keywords.remove(name);
            }
        }
    }

    fn keyword(&mut self, name: &str, value: &Reflected) {
        let value = if name == "enum" { Some(Value::from(list(value))) } else { plain(value) };
        if let Some(value) = value {
            self.keywords.insert(name.to_owned(), value);
        }
    }

    fn format(&mut self, name: &str, value: &Reflected) {
        if value.as_bool() == Some(true) {
            self.keywords.insert("format".to_owned(), name.into());
        }
    }

    /// Syntax that only RE2 has would be different or invalid in JavaScript.
    fn pattern(&mut self, value: &Reflected) {
        let Some(pattern) = value.as_str() else { return };
        if !["(?", "\\A", "\\z", "\\Q", "\\C", "\\p", "\\P", "[[:", "\\x{", "\\a"]
            .iter()
            .any(|own| pattern.contains(own))
        {
            self.keywords.insert("pattern".to_owned(), pattern.into());
        }
    }
}

fn options(catalog: &Catalog, field: &FieldDescriptor) -> Option<DynamicMessage> {
    let extension = catalog.pool.get_extension_by_name("buf.validate.field")?;
    let options = field.options();
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_message().cloned()
}

fn nested(value: &Reflected) -> Option<Box<Rules>> {
    value.as_message().map(|rules| Box::new(Rules::read(rules)))
}

fn flag(message: &DynamicMessage, name: &str) -> bool {
    message.get_field_by_name(name).and_then(|value| value.as_bool()).unwrap_or_default()
}

fn list(value: &Reflected) -> Vec<Value> {
    value.as_list().into_iter().flatten().filter_map(plain).collect()
}

fn plain(value: &Reflected) -> Option<Value> {
    Some(match value {
        Reflected::Bool(value) => Value::from(*value),
        Reflected::I32(value) | Reflected::EnumNumber(value) => Value::from(*value),
        Reflected::I64(value) => Value::from(*value),
        Reflected::U32(value) => Value::from(*value),
        Reflected::U64(value) => Value::from(*value),
        // By its shortest text: 0.1 as float is not 0.10000000149011612.
        Reflected::F32(value) => Value::Number(Number::from_f64(value.to_string().parse().ok()?)?),
        Reflected::F64(value) => Value::Number(Number::from_f64(*value)?),
        Reflected::String(value) => Value::from(value.as_str()),
        _ => return None,
    })
}
