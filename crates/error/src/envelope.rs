//! The REST form of an error: `{"error": {"code", "message", "details"}}`.

use crate::{Code, DOMAIN, Error, MAX_VIOLATIONS};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// An HTTP status code.
pub type HttpStatus = u16;

/// Returns the HTTP status and the `error.code` of a gRPC code.
pub const fn rest_code(code: Code) -> (HttpStatus, &'static str) {
    match code {
        Code::Ok => (200, "OK"),
        Code::InvalidArgument => (400, "INVALID_INPUT"),
        Code::FailedPrecondition => (400, "FAILED_PRECONDITION"),
        Code::Unauthenticated => (401, "UNAUTHENTICATED"),
        Code::PermissionDenied => (403, "FORBIDDEN"),
        Code::NotFound => (404, "NOT_FOUND"),
        Code::AlreadyExists => (409, "ALREADY_EXISTS"),
        Code::Aborted => (409, "CONFLICT"),
        Code::OutOfRange => (410, "GONE"),
        Code::ResourceExhausted => (429, "RATE_LIMITED"),
        Code::Cancelled => (499, "CANCELLED"),
        Code::Internal | Code::Unknown | Code::DataLoss => (500, "INTERNAL"),
        Code::Unimplemented => (501, "UNIMPLEMENTED"),
        Code::Unavailable => (503, "UNAVAILABLE"),
        Code::DeadlineExceeded => (504, "DEADLINE_EXCEEDED"),
    }
}

/// The body of an error response. `Display` writes the JSON in the order code, message, details.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    pub code: &'static str,
    pub message: String,
    /// The `google.rpc` messages of the gRPC form, as JSON.
    pub details: Vec<Value>,
}

impl fmt::Display for Envelope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, message) = (Value::from(self.code), Value::from(self.message.as_str()));
        write!(out, r#"{{"error":{{"code":{code},"message":{message},"details":["#)?;
        for (at, detail) in self.details.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(out, "{comma}{detail}")?;
        }
        out.write_str("]}}")
    }
}

impl Envelope {
    /// Adds the request id, which the log and the traces also contain.
    pub fn identify(&mut self, request_id: &str) {
        self.details.push(json!({ "@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": request_id }));
    }
}

impl Error {
    /// Returns the metadata for programs. `included` is the number of violations in the response.
    pub(crate) fn facts(&self, included: usize) -> BTreeMap<&'static str, String> {
        let mut facts = self.0.metadata.clone();
        if included < self.0.violations.len() {
            facts.insert("moreViolations", "true".to_owned());
        }
        facts
    }

    /// Returns the HTTP status and the body.
    pub fn to_envelope(&self) -> (HttpStatus, Envelope) {
        let (status, code) = self.0.reason.rest();
        let mut details = vec![json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": self.0.reason.name(),
            "domain": DOMAIN,
            "metadata": self.facts(self.0.violations.len().min(MAX_VIOLATIONS)),
        })];
        if !self.0.violations.is_empty() {
            let violations: Vec<Value> = self.0.violations.iter().take(MAX_VIOLATIONS).map(|violation| {
                json!({ "field": violation.field, "description": violation.description, "reason": violation.rule })
            }).collect();
            details
                .push(json!({ "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations }));
        }
        if !self.0.preconditions.is_empty() {
            let violations: Vec<Value> = self.0.preconditions.iter().take(MAX_VIOLATIONS).map(|precondition| {
                json!({ "type": precondition.kind, "subject": precondition.subject, "description": precondition.description })
            }).collect();
            details.push(
                json!({ "@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": violations }),
            );
        }
        if let Some(resource) = &self.0.resource {
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.ResourceInfo",
                "resourceType": resource.kind,
                "resourceName": resource.name,
            }));
        }
        if let Some(delay) = self.0.retry_after {
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": format!("{:.3}s", delay.as_secs_f64()),
            }));
        }
        (status, Envelope { code, message: self.message().into_owned(), details })
    }
}
