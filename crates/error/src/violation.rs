//! What a refusal names: fields, what is in the way, and what the call was about.

use std::borrow::Cow;

/// One field of a request that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path in the request, such as `author.addresses[2].zip`: by proto names, and by those of JSON once it is for REST.
    pub field: String,
    /// What is wrong, as it follows the field's name: `is required`, `must be at least 1`.
    pub description: String,
    /// The rule, such as `string.min_len` or `required`.
    pub rule: Cow<'static, str>,
}

/// Something that must change before the call can succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precondition {
    /// What kind of thing is in the way, such as `REFERENCE`: programs match on it.
    pub kind: &'static str,
    /// What is in the way.
    pub subject: String,
    /// Why it is, for people.
    pub description: String,
}

/// What a call was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The model's full name.
    pub kind: String,
    /// The record's id.
    pub name: String,
}

impl Violation {
    /// The sentence that starts with the field's name: `Field1 is required`. Only the name of a field that is one word gets a
    /// capital. Paths and names of several words stay as they are written, and so do names that no field has:
    /// `display_name is required`, `nam is not a field of …`.
    pub fn sentence(&self) -> String {
        let is_field = self.rule != "unknown_field";
        let is_word = is_field && self.field.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let mut letters = self.field.chars();
        match letters.next() {
            Some(first) if is_word => format!("{}{} {}", first.to_uppercase(), letters.as_str(), self.description),
            Some(_) => format!("{} {}", self.field, self.description),
            None => self.description.clone(),
        }
    }
}
