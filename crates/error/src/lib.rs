//! Every reason to refuse a call: its gRPC code, its REST code and its HTTP status, in one place, so that the two
//! protocols cannot drift apart.
//!
//! An [`Error`] is made of facts. People read its message, programs match its [`Reason`], and `Error::to_status` (feature `grpc`) and
//! [`Error::to_envelope`] give the same facts to both protocols as `google.rpc` details (AIP-193).
//! What went wrong inside (a database's text, a peer's answer) is a `source`: logged by [`Error::log_text`], never sent.

mod code;
mod envelope;
#[cfg(feature = "grpc")]
mod grpc;
mod limit;
mod reason;
mod refusals;
mod violation;

pub use code::Code;
pub use envelope::{Envelope, HttpStatus, rest_code};
pub use limit::{Limit, Unit};
pub use reason::Reason;
pub use refusals::Refusals;
pub use violation::{Precondition, Resource, Violation};

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

/// The `domain` of every `google.rpc.ErrorInfo` of ours.
pub const DOMAIN: &str = "groundplan.dev";

/// The header of an answer by which a gateway knows that nothing has been done, and that it may ask another process: `true`.
pub const UNTOUCHED: &str = "groundplan-untouched";

/// The most violations that a refusal tells. Where there are more, its metadata has `moreViolations: true`.
pub const MAX_VIOLATIONS: usize = 100;

/// The most bytes of the violations in a gRPC status, but for the first one: its details are a header, and clients take 8 KiB of
/// headers.
pub const MAX_VIOLATION_BYTES: usize = 4 << 10;

/// The longest message, in bytes, that leaves the server; more is cut at a character and marked with `…`.
pub const MAX_MESSAGE: usize = 1_024;

/// Why a call was refused, for the caller. Boxed inside, so that a `Result` of it is small.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub struct Error(Box<Facts>);

/// What an error is made of.
#[derive(Debug)]
struct Facts {
    reason: Reason,
    message: String,
    violations: Vec<Violation>,
    preconditions: Vec<Precondition>,
    metadata: BTreeMap<&'static str, String>,
    resource: Option<Resource>,
    retry_after: Option<Duration>,
    is_untouched: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A refusal for `reason`. The message has no full stop and says what to do.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self(Box::new(Facts {
            reason,
            message: message.into(),
            violations: Vec::new(),
            preconditions: Vec::new(),
            metadata: BTreeMap::new(),
            resource: None,
            retry_after: None,
            is_untouched: false,
            source: None,
        }))
    }

    /// Fields of the request that break rules. The message is the first one's sentence: `Field1 is required`.
    ///
    /// # Panics
    /// Never; without violations the message is a general one.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let message = violations.first().map_or_else(|| "the request is not valid".to_owned(), Violation::sentence);
        let mut error = Self::new(Reason::InvalidFields, message);
        error.0.violations = violations;
        error
    }

    /// One field of the request that breaks a rule.
    pub fn field(field: impl Into<String>, rule: impl Into<Cow<'static, str>>, description: impl Into<String>) -> Self {
        Self::invalid(vec![Violation { field: field.into(), description: description.into(), rule: rule.into() }])
    }

    /// A failure that is ours. The caller learns nothing but that; the log gets `cause`.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Reason::Internal, "the server failed; its log has the details").caused_by(cause)
    }

    /// There is no such record.
    pub fn record_not_found(model: &str, id: &str) -> Self {
        Self::new(Reason::RecordNotFound, format!("{model} {id:?} does not exist")).about(model, id)
    }

    /// Keeps what went wrong inside, for the log only.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(cause.into());
        self
    }

    /// Adds a fact that programs can read, in lowerCamelCase.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.metadata.insert(key, value.into());
        self
    }

    /// Names the record that the call was about.
    #[must_use]
    pub fn about(mut self, kind: impl Into<String>, name: impl Into<String>) -> Self {
        self.0.resource = Some(Resource { kind: kind.into(), name: name.into() });
        self
    }

    /// Names the field of the request that the refusal is about.
    #[must_use]
    pub fn violating(mut self, violation: Violation) -> Self {
        self.0.violations.push(violation);
        self
    }

    /// Names what must change before the call can succeed.
    #[must_use]
    pub fn unless(mut self, preconditions: Vec<Precondition>) -> Self {
        self.0.preconditions = preconditions;
        self
    }

    /// Says that the refusal is about a part of the request, such as `requests[3]`: its violations and its message get that
    /// place in front. An empty place is the whole request.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        if place.is_empty() {
            return self;
        }
        for violation in &mut self.0.violations {
            violation.field = match violation.field.as_str() {
                "" => place.to_owned(),
                field => format!("{place}.{field}"),
            };
        }
        self.0.message = match (self.0.reason, self.0.violations.first()) {
            (Reason::InvalidFields, Some(first)) => first.sentence(),
            _ => format!("{place}: {}", self.0.message),
        };
        self
    }

    /// Names the fields of the violations in another way, also where the message is the sentence of the first.
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

    /// Says when trying again makes sense.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// Says that the call was not begun, and that another process may be able to do it: a gateway asks one by itself.
    #[must_use]
    pub fn untouched(mut self) -> Self {
        self.0.is_untouched = true;
        self
    }

    /// Whether the call was not begun, and another process may be able to do it.
    pub fn is_untouched(&self) -> bool {
        self.0.is_untouched
    }

    /// When trying again makes sense, if that is known.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// The sentence for people, cut to [`MAX_MESSAGE`].
    pub fn message(&self) -> Cow<'_, str> {
        cut(&self.0.message)
    }

    /// The fields that break rules.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// What must change before the call can succeed.
    pub fn preconditions(&self) -> &[Precondition] {
        &self.0.preconditions
    }

    /// The whole story, for the log: the message and all its causes.
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

/// Cuts a text to [`MAX_MESSAGE`] bytes, at a character, and marks the cut.
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
