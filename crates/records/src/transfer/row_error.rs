//! What is wrong with a row.

use groundplan_codec::DecodeError;
use groundplan_error::{Error, Reason, Violation};
use groundplan_proto::records::v1::ImportError;

/// One thing that is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowError {
    /// Empty if it is the row as a whole.
    pub(crate) field: String,
    pub(crate) rule: String,
    /// As it follows the field's name.
    pub(crate) message: String,
    /// Why the import ends here, whatever the row is like.
    pub(crate) ended: Option<Reason>,
}

impl RowError {
    /// A row_error of the row as a whole.
    pub(crate) fn whole(rule: &str, message: impl Into<String>) -> Self {
        Self::field("", rule, message)
    }

    /// A row_error of a field.
    pub(crate) fn field(field: &str, rule: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), rule: rule.to_owned(), message: message.into(), ended: None }
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
        let Self { field, rule, message, ended: _ } = self;
        ImportError { line: i64::try_from(line).unwrap_or(i64::MAX), field, message, rule }
    }
}

impl From<DecodeError> for RowError {
    fn from(error: DecodeError) -> Self {
        // A row that is too large is a bad row. That others hold the memory is no row_error of the row.
        let ended = error.fatal_reason.filter(|reason| *reason == Reason::MemoryExhausted);
        let field = if error.fatal_reason.is_some() { "" } else { error.field.as_str() };
        Self { ended, ..Self::field(field, error.rule, error.message) }
    }
}
