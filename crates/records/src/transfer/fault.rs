//! What is wrong with a row.

use groundplan_codec::DecodeError;
use groundplan_error::{Error, Violation};
use groundplan_proto::records::v1::ImportError;

/// One thing that is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Empty if it is the row as a whole.
    pub(crate) field: String,
    pub(crate) rule: String,
    /// As it follows the field's name.
    pub(crate) message: String,
}

impl Fault {
    /// A fault of the row as a whole.
    pub(crate) fn whole(rule: &str, message: impl Into<String>) -> Self {
        Self { field: String::new(), rule: rule.to_owned(), message: message.into() }
    }

    /// A fault of a field.
    pub(crate) fn field(field: &str, rule: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), rule: rule.to_owned(), message: message.into() }
    }

    /// What a refusal of the record says: each of its violations, or its message.
    pub(crate) fn of_error(error: &Error) -> Vec<Self> {
        match error.violations() {
            [] => vec![Self::whole(error.reason().name(), error.message())],
            violations => violations.iter().map(Self::of_violation).collect(),
        }
    }

    fn of_violation(violation: &Violation) -> Self {
        Self::field(&violation.field, &violation.rule, violation.description.clone())
    }

    pub(crate) fn at(self, line: u64) -> ImportError {
        let Self { field, rule, message } = self;
        ImportError { line: i64::try_from(line).unwrap_or(i64::MAX), field, message, rule }
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::field(&error.field, error.rule, error.message)
    }
}
