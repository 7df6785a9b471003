//! Why an import failed, and how to continue, in terms of the command line: the server's error names fields of the request, which
//! the user has not typed.

use super::Args;
use crate::error::CliError;
use crate::output::{Output, print_error};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Converts the error of an import, and adds how to continue if that is possible.
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

/// Returns the error for invalid rows. People see all listed rows; programs get the first one in the message.
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
        "nothing was loaded: {failed} of the first {read} rows are invalid{first}; correct them, or skip them with --on-error skip"
    )))
}

/// Returns the error for an import with too many rows or bytes for one transaction.
fn too_large_error(args: &Args, details: &ErrorDetails) -> Option<CliError> {
    let rows = metadata(details, "TOO_LARGE", "mostRows")?;
    let bytes: usize = metadata(details, "TOO_LARGE", "mostBytes")?.parse().ok()?;
    let (mode, alternative) = match args.validate_only {
        true => ("with --validate-only", ""),
        false => ("that is all or nothing", ", or load it in parts with --on-error skip"),
    };
    let mebibytes = bytes >> 20;
    Some(CliError::new(format!(
        "nothing was loaded: an import {mode} can have {rows} rows and {mebibytes} MiB; split it up{alternative}"
    )))
}

/// Returns a metadata value of an error with this reason.
fn metadata<'a>(details: &'a ErrorDetails, reason: &str, key: &str) -> Option<&'a str> {
    let info = details.error_info().filter(|info| info.reason == reason)?;
    info.metadata.get(key).map(String::as_str)
}

/// Returns an error that explains how to continue the import.
pub(super) fn resumable_error(id: &str, message: &str) -> CliError {
    if id.is_empty() {
        return CliError::new(message);
    }
    CliError::new(format!(
        "{message}\nTo continue, run the same command again with --import-id {id}: nothing is loaded twice"
    ))
}
