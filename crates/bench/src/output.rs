//! Output: progress and errors on standard error, the result on standard output.

use serde_json::Value;
use std::fmt::{self, Display, Formatter};
use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

/// An error, as text for people.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(words: impl Display) -> Self {
        Self(words.to_string())
    }

    /// Prints the error and returns the exit code.
    pub(crate) fn report(self) -> ExitCode {
        say(format_args!("groundplan-bench: {}", self.0));
        ExitCode::FAILURE
    }
}

impl Display for Failure {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// Prints a line of progress. Ignores errors, because standard error can be closed.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}

/// Prints the result.
pub(crate) fn result(value: &Value) -> Result<(), Failure> {
    writeln!(stdout(), "{value:#}").map_err(Failure::from)
}
