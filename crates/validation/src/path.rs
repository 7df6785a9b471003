//! Where a value is in a record. Kept as a chain on the stack, written out only when a rule is broken.

use groundplan_codec::Value;
use groundplan_error::Violation;
use std::borrow::Cow;

/// A place in a record, from the inside out.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
    /// The value of a key of a map.
    Key(&'a Path<'a>, &'a Value),
    /// The key itself.
    OfKey(&'a Path<'a>, &'a Value),
}

impl Path<'_> {
    /// Writes the place by proto names: `author.addresses[2].zip`, `labels["a"]`.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    /// The violation of a rule at this place. `labels["a"]` names the value of a key. A violation of the key itself has the same
    /// field, and says in its rule and in words that the key is meant.
    pub(crate) fn violation(&self, rule: Cow<'static, str>, description: String) -> Violation {
        let (rule, description) = match self {
            Self::OfKey(..) => (format!("map.keys.{rule}").into(), format!("(the key) {description}")),
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
            Self::Key(parent, key) | Self::OfKey(parent, key) => {
                parent.write(text);
                text.push_str(&format!("[{}]", key_text(key)));
            }
        }
    }
}

/// A map's key as it stands between brackets.
fn key_text(key: &Value) -> String {
    match key {
        Value::Bool(key) => key.to_string(),
        Value::Int(key) => key.to_string(),
        Value::Uint(key) => key.to_string(),
        Value::String(key) => serde_json::Value::from(key.as_str()).to_string(),
        // No other type can be a key.
        other => format!("{other:?}"),
    }
}
