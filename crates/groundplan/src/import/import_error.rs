//! Why nothing was loaded, and how to go on, in the words of the command line: a refusal names the fields of the call, which
//! nobody has typed here.

use super::Args;
use crate::error::CliError;
use crate::output::{Output, print_error};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// A refusal in words: what is wrong with which row, and how to go on where that is possible.
pub(super) fn import_error(args: &Args, id: &str, status: &Status) -> CliError {
    let details = status.get_error_details();
    if let Some(error) = invalid_rows_error(args, &details).or_else(|| too_large_error(args, &details)) {
        return error;
    }
    let error = args.client.status_error(status);
    match status.code() {
        Code::InvalidArgument | Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented => error,
        _ if id.is_empty() => error,
        _ => resumable_error(id, error.message()),
    }
}

/// Rows are bad. People are shown all that are named; programs get the first one with the message, which is all they get.
fn invalid_rows_error(args: &Args, details: &ErrorDetails) -> Option<CliError> {
    let (failed, read) = (metadata(details, "ROWS_INVALID", "failed")?, metadata(details, "ROWS_INVALID", "read")?);
    let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    let mut first = String::new();
    match args.output {
        Output::Text => {
            for violation in violations {
                print_error(format_args!("{}", violation.description));
            }
        }
        Output::Json => {
            first = violations.first().map(|first| format!("; first {:?}", first.description)).unwrap_or_default();
        }
    }
    Some(CliError::new(format!(
        "nothing was loaded: {failed} of the first {read} rows are bad{first}; correct them, or leave them out with --on-error skip"
    )))
}

/// The rows are too many for one transaction, or their bytes.
fn too_large_error(args: &Args, details: &ErrorDetails) -> Option<CliError> {
    let rows = metadata(details, "TOO_LARGE", "mostRows")?;
    let bytes: usize = metadata(details, "TOO_LARGE", "mostBytes")?.parse().ok()?;
    let (mode, alternative) = match args.validate_only {
        true => ("with --validate-only", ""),
        false => ("that is all or nothing", ", or load it in parts with --on-error skip"),
    };
    let mebibytes = bytes >> 20;
    Some(CliError::new(format!(
        "nothing was loaded: an import {mode} may have {rows} rows and {mebibytes} MiB; split it up{alternative}"
    )))
}

/// A fact of a refusal for a reason.
fn metadata<'a>(details: &'a ErrorDetails, reason: &str, key: &str) -> Option<&'a str> {
    let info = details.error_info().filter(|info| info.reason == reason)?;
    info.metadata.get(key).map(String::as_str)
}

/// It may be gone on with.
pub(super) fn resumable_error(id: &str, message: &str) -> CliError {
    if id.is_empty() {
        return CliError::new(message);
    }
    CliError::new(format!(
        "{message}\nTo go on, run the same command again with --import-id {id}: nothing is loaded twice"
    ))
}
