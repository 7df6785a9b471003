//! Errors of rows.

use groundplan_codec::DecodeError;
use groundplan_error::{Error, Reason, Violation};
use groundplan_proto::records::v1::ImportError;

/// One error of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowError {
    /// The field path; empty for an error of the whole row.
    pub(crate) field: String,
    pub(crate) rule: String,
    /// A predicate after the field's name.
    pub(crate) message: String,
    /// The reason to stop the import, if the row is not the cause.
    pub(crate) fatal_reason: Option<Reason>,
}

impl RowError {
    /// Returns an error of the whole row.
    pub(crate) fn whole(rule: &str, message: impl Into<String>) -> Self {
        Self::field("", rule, message)
    }

    /// Returns an error of a field.
    pub(crate) fn field(field: &str, rule: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), rule: rule.to_owned(), message: message.into(), fatal_reason: None }
    }

    /// Converts the violations of an error, or its message if it has none.
    pub(crate) fn of_error(error: &Error) -> Vec<Self> {
        match error.violations() {
            [] => vec![Self::whole(error.reason().name(), error.message())],
            violations => violations.iter().map(Self::of_violation).collect(),
        }
    }

    fn of_violation(violation: &Violation) -> Self {
        Self::field(&violation.field, &violation.rule, violation.description.clone())
    }

    /// Returns the error of the row in a line.
    pub(crate) fn at_line(self, line: u64) -> ImportError {
        let Self { field, rule, message, fatal_reason: _ } = self;
        ImportError { line: i64::try_from(line).unwrap_or(i64::MAX), field, message, rule }
    }
}

impl From<DecodeError> for RowError {
    fn from(error: DecodeError) -> Self {
        // A row that is too large is invalid. Lack of memory is not an error of the row.
        let fatal_reason = error.fatal_reason.filter(|reason| *reason == Reason::MemoryExhausted);
        let field = if error.fatal_reason.is_some() { "" } else { error.field.as_str() };
        Self { fatal_reason, ..Self::field(field, error.rule, error.message) }
    }
}
