//! Errors for callers.
//!
//! Most errors are a [`groundplan_error::Error`]. Two contain diagnostics, whose locations are in files instead of the
//! request, so they build their status here.

use groundplan_error::{Code, DOMAIN, Error, Reason};
use groundplan_identity::Principal;
use groundplan_model::Diagnostic;
use std::collections::HashMap;
use tonic::{Request, Status};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt};

/// The maximum size of details in bytes. They are sent in a header, which many clients limit to 8 KiB; further
/// diagnostics are only counted.
const MAX_DETAILS: usize = 4 << 10;

/// The maximum length of a diagnostic's text in a header, in characters.
const MAX_TEXT: usize = 300;

/// The constraints that only a concurrent apply can violate.
const CONFLICTS: [&str; 4] =
    ["revisions_one_preparing", "revisions_pkey", "storage_names_pkey", "storage_names_name_key"];

/// Returns the message of an authenticated request, or an error for any other.
pub(crate) fn authenticated<T>(request: Request<T>) -> Result<T, Error> {
    Principal::from_extensions(request.extensions())?;
    Ok(request.into_inner())
}

/// Converts an error to a status. Internal details go to the log.
pub(crate) fn status(error: Error) -> Status {
    if error.reason().code() == Code::Internal {
        tracing::error!(error = error.log_text(), "a call failed");
    }
    error.to_status()
}

/// Creates the error for a conflict with another apply. `newest` is the newest live or preparing revision.
pub(crate) fn revision_conflict(newest: i64, message: &str) -> Error {
    Error::new(Reason::RevisionConflict, message).with("revision", newest.to_string())
}

/// Returns whether a transaction failed because of a concurrent apply.
pub(crate) fn is_conflict(error: &diesel::result::Error) -> bool {
    match error {
        diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, information) => {
            information.constraint_name().is_some_and(|name| CONFLICTS.contains(&name))
        }
        _ => false,
    }
}

/// Creates the error for invalid models: INVALID_ARGUMENT with a BadRequest whose fields are `file:line:column`.
pub(crate) fn models_invalid(diagnostics: &[Diagnostic]) -> Status {
    let mut details = error_info(Reason::ModelsInvalid, diagnostics);
    let violation = |diagnostic: &Diagnostic| FieldViolation {
        field: location(diagnostic),
        description: describe(diagnostic),
        reason: diagnostic.code.to_owned(),
        localized_message: None,
    };
    details.set_bad_request(fitting(diagnostics).map(violation).collect::<Vec<_>>());
    let message = summarize("the models cannot be applied", diagnostics);
    Status::with_error_details(Reason::ModelsInvalid.code().into(), message, details)
}

/// Creates the error for unsupported steps: FAILED_PRECONDITION with a PreconditionFailure that lists them.
pub(crate) fn plan_not_supported(diagnostics: &[Diagnostic]) -> Status {
    let mut details = error_info(Reason::PlanNotSupported, diagnostics);
    let violation = |diagnostic: &Diagnostic| {
        PreconditionViolation::new(diagnostic.code, location(diagnostic), describe(diagnostic))
    };
    details.set_precondition_failure(fitting(diagnostics).map(violation).collect::<Vec<_>>());
    let message = summarize("the change cannot be applied", diagnostics);
    Status::with_error_details(Reason::PlanNotSupported.code().into(), message, details)
}

fn error_info(reason: Reason, diagnostics: &[Diagnostic]) -> ErrorDetails {
    let count = ("diagnostics".to_owned(), diagnostics.len().to_string());
    ErrorDetails::with_error_info(reason.name(), DOMAIN, HashMap::from([count]))
}

/// Returns a message with the first diagnostic and the number of others.
fn summarize(outcome: &str, diagnostics: &[Diagnostic]) -> String {
    match diagnostics {
        [] => outcome.to_owned(),
        [only] => format!("{outcome}: {}: {}", location(only), describe(only)),
        [first, more @ ..] => {
            format!("{outcome}: {}: {} (and {} more; Plan lists all)", location(first), describe(first), more.len())
        }
    }
}

/// Returns the diagnostics whose texts fit into a header, and always the first one.
fn fitting(diagnostics: &[Diagnostic]) -> impl Iterator<Item = &Diagnostic> {
    let length =
        |diagnostic: &Diagnostic| location(diagnostic).len() + describe(diagnostic).len() + diagnostic.code.len();
    let together = diagnostics.iter().scan(0, move |sum, diagnostic| {
        *sum += length(diagnostic);
        Some(*sum)
    });
    let count = together.take_while(|&sum| sum <= MAX_DETAILS).count();
    diagnostics.iter().take(count)
}

/// Returns the location as `file:line:column`, or the part of it that is known.
fn location(diagnostic: &Diagnostic) -> String {
    match (diagnostic.file.as_str(), diagnostic.line) {
        ("", _) => "models".to_owned(),
        (file, 0) => truncate(file),
        (file, line) => format!("{}:{line}:{}", truncate(file), diagnostic.column),
    }
}

/// Returns the message and the remedy.
fn describe(diagnostic: &Diagnostic) -> String {
    if diagnostic.help.is_empty() {
        return truncate(&diagnostic.message);
    }
    format!("{}; {}", truncate(&diagnostic.message), truncate(&diagnostic.help))
}

/// Truncates a text.
fn truncate(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(line: u32, help: &str) -> Diagnostic {
        Diagnostic {
            code: "MODEL_WITHOUT_ID",
            message: "the model Book has no id".into(),
            help: help.into(),
            file: "library.proto".into(),
            line,
            column: 3,
        }
    }

    #[test]
    fn requests_without_a_principal_are_rejected() {
        let mut request = Request::new(7);
        request.extensions_mut().insert(Principal::root());
        assert_eq!(authenticated(request).unwrap(), 7);
        assert_eq!(authenticated(Request::new(7)).unwrap_err().reason(), Reason::CredentialsInvalid);
    }

    #[test]
    fn each_diagnostic_has_a_location_a_message_and_a_remedy() {
        let status = models_invalid(&[diagnostic(7, "add `string id = 1;`"), diagnostic(9, "")]);
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "library.proto:7:3");
        assert_eq!(violations[0].description, "the model Book has no id; add `string id = 1;`");
        assert_eq!(violations[0].reason, "MODEL_WITHOUT_ID");
        assert_eq!(violations[1].description, "the model Book has no id");
        assert_eq!(details.error_info().unwrap().metadata["diagnostics"], "2");
    }

    #[test]
    fn headers_have_a_limited_size() {
        let many = vec![diagnostic(1, &"so long ".repeat(30)); 10_000];
        for status in [models_invalid(&many), plan_not_supported(&many)] {
            assert!(status.message().len() + status.details().len() < 7 << 10, "{}", status.details().len());
            assert_eq!(status.get_error_details().error_info().unwrap().metadata["diagnostics"], "10000");
        }
        let huge = models_invalid(&vec![diagnostic(1, &"é".repeat(1 << 20)); 2]);
        assert!(huge.message().len() < 2 << 10);
        assert!(!huge.get_error_details().bad_request().unwrap().field_violations.is_empty());
    }

    #[test]
    fn an_unknown_location_has_no_numbers() {
        let nowhere = Diagnostic { file: String::new(), ..diagnostic(0, "") };
        assert_eq!(location(&nowhere), "models");
        assert_eq!(location(&diagnostic(0, "")), "library.proto");
    }
}
