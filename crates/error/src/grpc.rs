//! Converts errors to gRPC statuses with `google.rpc` details. Requires the feature `grpc`.

use crate::{Code, DOMAIN, Error, MAX_VIOLATION_BYTES, MAX_VIOLATIONS, Reason, UNTOUCHED};
use std::sync::Arc;
use tonic::Status;
use tonic::metadata::MetadataValue;
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

impl Error {
    /// Returns the gRPC status.
    pub fn to_status(&self) -> Status {
        let violations = self.0.violations.iter().map(|violation| FieldViolation {
            reason: violation.rule.clone().into_owned(),
            ..FieldViolation::new(&violation.field, violation.sentence())
        });
        let violations = fitting(violations, |violation| {
            violation.field.len() + violation.description.len() + violation.reason.len()
        });
        let metadata = self.facts(violations.len()).into_iter().map(|(key, value)| (key.to_owned(), value));
        let mut details = ErrorDetails::with_error_info(
            self.0.reason.name(),
            DOMAIN,
            metadata.collect::<std::collections::HashMap<_, _>>(),
        );
        if !violations.is_empty() {
            details.set_bad_request(violations);
        }
        let preconditions = self.0.preconditions.iter();
        for precondition in fitting(preconditions, |one| one.kind.len() + one.subject.len() + one.description.len()) {
            details.add_precondition_failure_violation(
                precondition.kind,
                &precondition.subject,
                &precondition.description,
            );
        }
        if let Some(resource) = &self.0.resource {
            details.set_resource_info(&resource.kind, &resource.name, "", "");
        }
        if let Some(delay) = self.0.retry_after {
            details.set_retry_info(Some(delay));
        }
        let mut status = Status::with_error_details(self.0.reason.code().into(), self.message(), details);
        if self.0.is_not_started {
            status.metadata_mut().insert(UNTOUCHED, MetadataValue::from_static("true"));
        }
        status
    }
}

impl Error {
    /// Returns an error with the reason and the message of a status that was created from an [`Error`]; none for other statuses.
    pub fn of_status(status: &Status) -> Option<Self> {
        let details = status.get_error_details();
        let info = details.error_info().filter(|info| info.domain == DOMAIN)?;
        let reason = Reason::ALL.iter().copied().find(|reason| reason.name() == info.reason)?;
        Some(Self::new(reason, status.message()))
    }
}

impl From<Code> for tonic::Code {
    fn from(code: Code) -> Self {
        Self::from_i32(code as i32)
    }
}

impl From<tonic::Code> for Code {
    fn from(code: tonic::Code) -> Self {
        match code {
            tonic::Code::Ok => Self::Ok,
            tonic::Code::Cancelled => Self::Cancelled,
            tonic::Code::Unknown => Self::Unknown,
            tonic::Code::InvalidArgument => Self::InvalidArgument,
            tonic::Code::DeadlineExceeded => Self::DeadlineExceeded,
            tonic::Code::NotFound => Self::NotFound,
            tonic::Code::AlreadyExists => Self::AlreadyExists,
            tonic::Code::PermissionDenied => Self::PermissionDenied,
            tonic::Code::ResourceExhausted => Self::ResourceExhausted,
            tonic::Code::FailedPrecondition => Self::FailedPrecondition,
            tonic::Code::Aborted => Self::Aborted,
            tonic::Code::OutOfRange => Self::OutOfRange,
            tonic::Code::Unimplemented => Self::Unimplemented,
            tonic::Code::Internal => Self::Internal,
            tonic::Code::Unavailable => Self::Unavailable,
            tonic::Code::DataLoss => Self::DataLoss,
            tonic::Code::Unauthenticated => Self::Unauthenticated,
        }
    }
}

/// Returns the items that fit into a header, at least the first one.
fn fitting<T>(all: impl Iterator<Item = T>, bytes: impl Fn(&T) -> usize) -> Vec<T> {
    let mut sum = 0;
    let fits = |(at, one): &(usize, T)| {
        sum += bytes(one);
        *at == 0 || sum <= MAX_VIOLATION_BYTES
    };
    all.take(MAX_VIOLATIONS).enumerate().take_while(fits).map(|(_, one)| one).collect()
}

impl From<Error> for Status {
    /// Returns the status for a handler. The error is its source, so that the access log has the cause;
    /// tonic never sends the source.
    fn from(error: Error) -> Self {
        let mut status = error.to_status();
        status.set_source(Arc::new(error));
        status
    }
}
