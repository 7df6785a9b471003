//! How a command fails: an exit code, and words for people.

use crate::output::{Closed, Output, print, print_error};
use groundplan_error::{Error, Reason};
use serde_json::json;
use std::process::ExitCode;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct CliError {
    exit: u8,
    /// Empty if everything was said already.
    message: String,
}

impl CliError {
    /// It failed.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { exit: 1, message: message.into() }
    }

    /// It was asked for wrongly.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: 2, message: message.into() }
    }

    /// It failed, and has said why.
    pub(crate) fn already_reported() -> Self {
        Self { exit: 1, message: String::new() }
    }

    /// The models have diagnostics, and they have been shown.
    pub(crate) fn invalid_models() -> Self {
        Self { exit: 2, message: String::new() }
    }

    /// The words.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Says why on standard error, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            print_error(format_args!("groundplan: {}", self.message));
        }
        ExitCode::from(self.exit)
    }
}

impl From<Error> for CliError {
    /// The words for callers; the whole story where those hide it. Whoever runs the command is the operator.
    fn from(error: Error) -> Self {
        match error.reason() {
            Reason::Internal => Self::new(error.log_text()),
            _ => Self::new(error.message()),
        }
    }
}

impl From<Closed> for CliError {
    /// Nobody reads what is printed any more, as with `| head`: end quietly, but do not claim to have done everything.
    fn from(_: Closed) -> Self {
        Self::already_reported()
    }
}

/// Prints the error of a command to standard output if its output is JSON and the command has not reported the error itself.
pub(crate) fn print_as_json(output: Output, outcome: &Result<(), CliError>) -> Result<(), Closed> {
    match outcome {
        Err(error) if output == Output::Json && !error.message().is_empty() => {
            print(json!({ "error": { "message": error.message() } }))
        }
        _ => Ok(()),
    }
}
