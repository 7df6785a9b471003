//! Errors of decoding.

use groundplan_error::{Error, Reason};
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::time::Duration;

/// The maximum length of a name or key in an error, in characters.
const LONGEST_NAME: usize = 80;

/// When a caller can retry after no memory was free.
const RETRY: Duration = Duration::from_secs(1);

/// An error of decoding. Together, `field` and `message` read as a sentence: `author.age must be a whole number …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The path with proto names, such as `author.addresses[2].zip` or `labels["a"]`; empty for the whole record.
    pub field: String,
    /// The violated rule, for programs: `unknown_field`, `wire_type`, `range`, …
    pub rule: &'static str,
    /// What is wrong and how to fix it, phrased to follow the field's name.
    pub message: String,
    /// Why the whole request fails, such as an exceeded budget or deadline; `None` if only the field is invalid.
    pub fatal_reason: Option<Reason>,
}

impl Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(formatter, "{} ", self.field)?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

/// Converts to an error about the field, or about the whole request if there is no field.
impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        if let Some(reason) = error.fatal_reason {
            let error = Self::new(reason, error.message);
            return if reason == Reason::MemoryExhausted { error.retry_after(RETRY) } else { error };
        }
        if error.field.is_empty() {
            Self::new(Reason::MalformedRequest, error.message).with("rule", error.rule)
        } else {
            Self::field(error.field, error.rule, error.message)
        }
    }
}

impl DecodeError {
    /// Returns an error whose callers add the path.
    pub(crate) fn new(rule: &'static str, message: impl Into<String>) -> Self {
        Self { field: String::new(), rule, message: message.into(), fatal_reason: None }
    }

    /// Converts an error of the budget, which fails the whole request.
    #[cold]
    pub(crate) fn budget(error: Error) -> Self {
        Self { fatal_reason: Some(error.reason()), ..Self::new("budget", error.message()) }
    }

    /// Returns an error about a JSON value of the wrong type.
    pub(crate) fn json_type(expected: &str, actual: &str) -> Self {
        Self::new("json_type", format!("must be {expected}, not {actual}"))
    }

    /// Prepends the name of a field to the path.
    #[must_use]
    pub(crate) fn in_field(self, name: &str) -> Self {
        self.prepend(shorten_name(name).into_owned())
    }

    /// Prepends the index in a list to the path.
    #[must_use]
    pub(crate) fn at_index(self, index: usize) -> Self {
        self.prepend(format!("[{index}]"))
    }

    /// Prepends the key of a map or JSON object to the path.
    #[must_use]
    pub(crate) fn at_key(self, key: &str) -> Self {
        self.prepend(format!("[{:?}]", shorten_name(key)))
    }

    /// Adds a subject to an error about the whole record.
    #[must_use]
    pub(crate) fn about_record(mut self) -> Self {
        if self.field.is_empty() && self.fatal_reason.is_none() {
            self.message.insert_str(0, "the record ");
        }
        self
    }

    fn prepend(mut self, mut step: String) -> Self {
        if !self.field.is_empty() && !self.field.starts_with('[') {
            step.push('.');
        }
        step.push_str(&self.field);
        self.field = step;
        self
    }
}

/// Shortens a long name for an error.
pub fn shorten_name(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(LONGEST_NAME) {
        None => Cow::Borrowed(name),
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::DecodeError;
    use groundplan_error::{Error, Reason};

    #[test]
    fn an_error_is_about_its_field_or_the_request() {
        let error = || DecodeError::new("range", "must be at most 1");
        let whole = Error::from(error());
        assert_eq!((whole.reason(), whole.to_string().contains("must be at most 1")), (Reason::MalformedRequest, true));
        let field = Error::from(error().in_field("zip").in_field("address"));
        let (_, envelope) = field.to_envelope();
        assert!(envelope.to_string().contains("address.zip"), "{envelope}");
    }
}
