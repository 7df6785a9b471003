//! Errors of commands: an exit code and a message.

use crate::output::{Closed, Output, print, print_error};
use groundplan_error::{Error, Reason};
use serde_json::json;
use std::process::ExitCode;

/// The error of a command.
#[derive(Debug)]
pub(crate) struct CliError {
    exit: u8,
    /// Empty if the command has already reported the error.
    message: String,
}

impl CliError {
    /// Creates an error with exit code 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { exit: 1, message: message.into() }
    }

    /// Creates an error of usage, with exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: 2, message: message.into() }
    }

    /// Creates an error that the command has already reported.
    pub(crate) fn already_reported() -> Self {
        Self { exit: 1, message: String::new() }
    }

    /// Creates the error for models with diagnostics, which the command has already shown.
    pub(crate) fn invalid_models() -> Self {
        Self { exit: 2, message: String::new() }
    }

    /// Returns the message.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Prints the message to standard error and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            print_error(format_args!("groundplan: {}", self.message));
        }
        ExitCode::from(self.exit)
    }
}

impl From<Error> for CliError {
    /// Uses the message for callers, or the full text where that message hides the cause: the user of the command line is the
    /// operator.
    fn from(error: Error) -> Self {
        match error.reason() {
            Reason::Internal => Self::new(error.log_text()),
            _ => Self::new(error.message()),
        }
    }
}

impl From<Closed> for CliError {
    /// The reader has closed standard output, as with `| head`: exit without a message, but with an error code.
    fn from(_: Closed) -> Self {
        Self::already_reported()
    }
}

/// Prints the error of a command as JSON to standard output, unless the command has already reported it.
pub(crate) fn print_as_json(output: Output, outcome: &Result<(), CliError>) -> Result<(), Closed> {
    match outcome {
        Err(error) if output == Output::Json && !error.message().is_empty() => {
            print(json!({ "error": { "message": error.message() } }))
        }
        _ => Ok(()),
    }
}
