//! What is said: progress and failures on standard error, the result on standard output.

use serde_json::Value;
use std::fmt::{self, Display, Formatter};
use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

/// Why it was not done, in words.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(words: impl Display) -> Self {
        Self(words.to_string())
    }

    /// Says it, and gives the exit code.
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

/// A line of progress. Who has closed standard error does not want it.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}

/// The result.
pub(crate) fn result(value: &Value) -> Result<(), Failure> {
    writeln!(stdout(), "{value:#}").map_err(Failure::from)
}
