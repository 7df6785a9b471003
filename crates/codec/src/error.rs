//! Why bytes or text are not a record.

use groundplan_error::{Error, Reason};
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::time::Duration;

/// The longest name or key, in characters, that an error repeats.
const LONGEST_NAME: usize = 80;

/// When a caller may try again who found no memory free.
const RETRY: Duration = Duration::from_secs(1);

/// A refusal to decode. Together, `field` and `message` read as a sentence: `author.age must be a whole number …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The path by proto names, such as `author.addresses[2].zip` or `labels["a"]`; empty for the whole record.
    pub field: String,
    /// What is broken, for programs: `unknown_field`, `wire_type`, `range`, …
    pub rule: &'static str,
    /// What is wrong and what to do, as it follows the field's name.
    pub message: String,
    /// Why the request ends here, whatever field it is at: its budget is used up, or its time. None if the field is wrong.
    pub ended: Option<Reason>,
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

/// A refusal of a caller's request: of the field, or of the request as a whole where there is none.
impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        if let Some(reason) = error.ended {
            let refusal = Self::new(reason, error.message);
            return if reason == Reason::MemoryExhausted { refusal.retry_after(RETRY) } else { refusal };
        }
        if error.field.is_empty() {
            Self::new(Reason::MalformedRequest, error.message).with("rule", error.rule)
        } else {
            Self::field(error.field, error.rule, error.message)
        }
    }
}

impl DecodeError {
    /// A refusal whose path its callers will add.
    pub(crate) fn new(rule: &'static str, message: impl Into<String>) -> Self {
        Self { field: String::new(), rule, message: message.into(), ended: None }
    }

    /// The end of a request that may not decode more.
    #[cold]
    pub(crate) fn of_budget(error: Error) -> Self {
        Self { ended: Some(error.reason()), ..Self::new("budget", error.message()) }
    }

    /// A value of the wrong type in JSON.
    pub(crate) fn json_type(expected: &str, found: &str) -> Self {
        Self::new("json_type", format!("must be {expected}, not {found}"))
    }

    /// Puts the name of the field that it happened in before the path.
    #[must_use]
    pub(crate) fn in_field(self, name: &str) -> Self {
        self.behind(shown(name).into_owned())
    }

    /// Puts the place in a list before the path.
    #[must_use]
    pub(crate) fn at_index(self, index: usize) -> Self {
        self.behind(format!("[{index}]"))
    }

    /// Puts the key of a map or of a JSON object before the path.
    #[must_use]
    pub(crate) fn at_key(self, key: &str) -> Self {
        self.behind(format!("[{:?}]", shown(key)))
    }

    /// Gives a refusal of the whole record a subject.
    #[must_use]
    pub(crate) fn about_record(mut self) -> Self {
        if self.field.is_empty() && self.ended.is_none() {
            self.message.insert_str(0, "the record ");
        }
        self
    }

    fn behind(mut self, mut step: String) -> Self {
        if !self.field.is_empty() && !self.field.starts_with('[') {
            step.push('.');
        }
        step.push_str(&self.field);
        self.field = step;
        self
    }
}

/// A name as an error may repeat it: cut if somebody sent a long one.
pub fn shown(name: &str) -> Cow<'_, str> {
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
    fn a_refusal_is_of_its_field_or_of_the_request() {
        let refusal = || DecodeError::new("range", "must be at most 1");
        let whole = Error::from(refusal());
        assert_eq!((whole.reason(), whole.to_string().contains("must be at most 1")), (Reason::MalformedRequest, true));
        let field = Error::from(refusal().in_field("zip").in_field("address"));
        let (_, envelope) = field.to_envelope();
        assert!(envelope.to_string().contains("address.zip"), "{envelope}");
    }
}
