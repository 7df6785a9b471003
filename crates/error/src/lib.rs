//! The errors of calls. Each reason has its gRPC code, REST code and HTTP status in one place, so that the
//! protocols are consistent.
//!
//! An [`Error`] has a message for people and a [`Reason`] for programs. `Error::to_status` (feature `grpc`) and
//! [`Error::to_envelope`] return the same `google.rpc` details (AIP-193) for both protocols.
//! The internal cause, such as a database error, is the `source`: [`Error::log_text`] logs it, and it is never sent.

mod code;
mod envelope;
mod error_collector;
#[cfg(feature = "grpc")]
mod grpc;
mod limit;
mod reason;
mod violation;

pub use code::Code;
pub use envelope::{Envelope, HttpStatus, rest_code};
pub use error_collector::ErrorCollector;
pub use limit::{Limit, Unit};
pub use reason::Reason;
pub use violation::{Precondition, Resource, Violation};

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

/// The `domain` of `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "groundplan.dev";

/// The response header with the value `true` if the call was not started, so that a gateway can send it to another process.
pub const UNTOUCHED: &str = "groundplan-untouched";

/// The maximum number of violations in a response. If there are more, the metadata has `moreViolations: true`.
pub const MAX_VIOLATIONS: usize = 100;

/// The maximum size of the violations in a gRPC status, in bytes, apart from the first violation. The details are a header,
/// and clients accept 8 KiB of headers.
pub const MAX_VIOLATION_BYTES: usize = 4 << 10;

/// The maximum length of a message in a response, in bytes. Longer messages are cut at a character and end with `…`.
pub const MAX_MESSAGE: usize = 1_024;

/// The error of a call. Its content is boxed to keep `Result` values small.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub struct Error(Box<Facts>);

/// The content of an error.
#[derive(Debug)]
struct Facts {
    reason: Reason,
    message: String,
    violations: Vec<Violation>,
    preconditions: Vec<Precondition>,
    metadata: BTreeMap<&'static str, String>,
    resource: Option<Resource>,
    retry_after: Option<Duration>,
    is_not_started: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Creates an error. The message has no full stop and describes how to fix the problem.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self(Box::new(Facts {
            reason,
            message: message.into(),
            violations: Vec::new(),
            preconditions: Vec::new(),
            metadata: BTreeMap::new(),
            resource: None,
            retry_after: None,
            is_not_started: false,
            source: None,
        }))
    }

    /// Creates an error for invalid fields. The message is the sentence of the first violation: `Field1 is required`.
    ///
    /// # Panics
    /// Never; without violations the message is generic.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let message = violations.first().map_or_else(|| "the request is not valid".to_owned(), Violation::sentence);
        let mut error = Self::new(Reason::InvalidFields, message);
        error.0.violations = violations;
        error
    }

    /// Creates an error for one invalid field.
    pub fn field(field: impl Into<String>, rule: impl Into<Cow<'static, str>>, description: impl Into<String>) -> Self {
        Self::invalid(vec![Violation { field: field.into(), description: description.into(), rule: rule.into() }])
    }

    /// Creates an internal error. Only the log has the `cause`.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Reason::Internal, "the server failed; its log has the details").caused_by(cause)
    }

    /// Creates the error for a missing record.
    pub fn record_not_found(model: &str, id: &str) -> Self {
        Self::new(Reason::RecordNotFound, format!("{model} {id:?} does not exist")).with_resource(model, id)
    }

    /// Sets the internal cause, for the log only.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(cause.into());
        self
    }

    /// Adds metadata for programs. Keys are in lowerCamelCase.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.metadata.insert(key, value.into());
        self
    }

    /// Sets the record that the call is about.
    #[must_use]
    pub fn with_resource(mut self, kind: impl Into<String>, name: impl Into<String>) -> Self {
        self.0.resource = Some(Resource { kind: kind.into(), name: name.into() });
        self
    }

    /// Adds a violation.
    #[must_use]
    pub fn with_violation(mut self, violation: Violation) -> Self {
        self.0.violations.push(violation);
        self
    }

    /// Sets the conditions that must be met before the call can succeed.
    #[must_use]
    pub fn with_preconditions(mut self, preconditions: Vec<Precondition>) -> Self {
        self.0.preconditions = preconditions;
        self
    }

    /// Moves the error to a part of the request, such as `requests[3]`: the field paths and the message get this
    /// prefix. An empty prefix changes nothing.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        if prefix.is_empty() {
            return self;
        }
        for violation in &mut self.0.violations {
            violation.field = match violation.field.as_str() {
                "" => prefix.to_owned(),
                field => format!("{prefix}.{field}"),
            };
        }
        self.0.message = match (self.0.reason, self.0.violations.first()) {
            (Reason::InvalidFields, Some(first)) => first.sentence(),
            _ => format!("{prefix}: {}", self.0.message),
        };
        self
    }

    /// Renames the fields of the violations, also in the message if it is the sentence of the first violation.
    #[must_use]
    pub fn renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        let forms = |first: &Violation| [first.sentence(), format!("{:?} {}", first.field, first.description)];
        let form = self.0.violations.first().and_then(|first| forms(first).iter().position(|it| *it == self.0.message));
        for violation in &mut self.0.violations {
            violation.field = name(&violation.field);
        }
        let message = form.zip(self.0.violations.first()).and_then(|(form, first)| forms(first).into_iter().nth(form));
        if let Some(message) = message {
            self.0.message = message;
        }
        self
    }

    /// Sets the delay after which a retry makes sense.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// Marks the call as not started, so that a gateway sends it to another process.
    #[must_use]
    pub fn not_started(mut self) -> Self {
        self.0.is_not_started = true;
        self
    }

    /// Checks whether the call was not started, so that another process can handle it.
    pub fn is_not_started(&self) -> bool {
        self.0.is_not_started
    }

    /// Returns the delay after which a retry makes sense, if known.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the reason.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// Returns the message for people, cut to [`MAX_MESSAGE`].
    pub fn message(&self) -> Cow<'_, str> {
        cut(&self.0.message)
    }

    /// Returns the invalid fields.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// The conditions that must be met before the call can succeed.
    pub fn preconditions(&self) -> &[Precondition] {
        &self.0.preconditions
    }

    /// Returns the text for the log: the message and all causes.
    pub fn log_text(&self) -> String {
        let mut text = self.0.message.clone();
        let mut cause: Option<&(dyn std::error::Error + 'static)> = self.0.source.as_deref().map(|source| source as _);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

/// Cuts a text to [`MAX_MESSAGE`] bytes at a character, and appends `…`.
fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_MESSAGE {
        return Cow::Borrowed(text);
    }
    let mut end = MAX_MESSAGE;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests;
