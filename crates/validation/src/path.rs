//! The path of a value in a record: a chain on the stack, rendered only for violations.

use groundplan_codec::Value;
use groundplan_error::Violation;
use std::borrow::Cow;

/// A path in a record, from the inside out.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
    /// The value of a map entry.
    MapValue(&'a Path<'a>, &'a Value),
    /// The key of a map entry.
    MapKey(&'a Path<'a>, &'a Value),
}

impl Path<'_> {
    /// Renders the path with proto names: `author.addresses[2].zip`, `labels["a"]`.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    /// Returns a violation at this path. A violation of a map's key has the same field as one of its value, and differs in rule
    /// and description.
    pub(crate) fn violation(&self, rule: Cow<'static, str>, description: String) -> Violation {
        let (rule, description) = match self {
            Path::MapKey(..) => (format!("map.keys.{rule}").into(), format!("(the key) {description}")),
            _ => (rule, description),
        };
        Violation { field: self.render(), description, rule }
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Root => {}
            Self::Field(parent, name) => {
                parent.write(text);
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            Self::Index(parent, index) => {
                parent.write(text);
                text.push_str(&format!("[{index}]"));
            }
            Self::MapValue(parent, key) | Path::MapKey(parent, key) => {
                parent.write(text);
                text.push_str(&format!("[{}]", key_text(key)));
            }
        }
    }
}

/// Renders a map's key for use between brackets.
fn key_text(key: &Value) -> String {
    match key {
        Value::Bool(key) => key.to_string(),
        Value::Int(key) => key.to_string(),
        Value::Uint(key) => key.to_string(),
        Value::String(key) => serde_json::Value::from(key.as_str()).to_string(),
        // Other types cannot be keys.
        other => format!("{other:?}"),
    }
}
