//! The details of an error: fields, preconditions and the record.

use std::borrow::Cow;

/// A field of a request that violates a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path in the request, such as `author.addresses[2].zip`, in proto names; REST converts it to JSON names.
    pub field: String,
    /// The problem, as text that follows the name of the field: `is required`, `must be at least 1`.
    pub description: String,
    /// The rule, such as `string.min_len` or `required`.
    pub rule: Cow<'static, str>,
}

/// A condition that must be met before the call can succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precondition {
    /// The kind of condition, such as `REFERENCE`. Programs match on it.
    pub kind: &'static str,
    /// The object that violates the condition.
    pub subject: String,
    /// The cause, for people.
    pub description: String,
}

/// The record that a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The model's full name.
    pub kind: String,
    /// The record's id.
    pub name: String,
}

impl Violation {
    /// Returns the sentence that starts with the name of the field: `Field1 is required`. Only names of one lower-case word
    /// are capitalized. Paths, names of several words and unknown names do not change: `display_name is required`,
    /// `nam is not a field of …`.
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
