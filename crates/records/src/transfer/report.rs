//! What has become of the rows.

use super::MAX_ERRORS;
use super::row_error::RowError;
use groundplan_error::{Error, Reason, Violation};
use groundplan_proto::records::v1::{ImportError, ImportResponse};

/// What has become of rows, so far.
pub(crate) type Report = ImportResponse;

/// What is done with reports.
pub(crate) trait Reporting {
    /// Counts a bad row.
    fn fail(&mut self, line: u64, row_errors: Vec<RowError>);
    /// Adds what came later.
    fn add(&mut self, later: Self);
    /// The refusal of an import that is all or nothing.
    fn refusal(&self) -> Error;
}

impl Reporting for Report {
    fn fail(&mut self, line: u64, row_errors: Vec<RowError>) {
        self.failed += 1;
        for row_error in row_errors {
            if self.errors.len() < MAX_ERRORS {
                self.errors.push(row_error.at(line));
            } else {
                self.more_errors = true;
            }
        }
    }

    fn add(&mut self, later: Self) {
        self.read += later.read;
        self.created += later.created;
        self.replaced += later.replaced;
        self.skipped += later.skipped;
        self.failed += later.failed;
        self.more_errors |= later.more_errors;
        for error in later.errors {
            if self.errors.len() < MAX_ERRORS {
                self.errors.push(error);
            } else {
                self.more_errors = true;
            }
        }
    }

    fn refusal(&self) -> Error {
        let first = self.errors.first().map(sentence).unwrap_or_default();
        let message = format!(
            "nothing was loaded: {} of the first {} rows are invalid; {first}; correct them, or skip them with ON_ERROR_SKIP",
            self.failed, self.read
        );
        let refused = Error::new(Reason::RowsInvalid, message);
        let refused = refused.with("read", self.read.to_string()).with("failed", self.failed.to_string());
        self.errors.iter().fold(refused, |refused, error| {
            let field = match error.field.as_str() {
                "" => format!("line {}", error.line),
                field => format!("line {}: {field}", error.line),
            };
            let (description, rule) = (error.message.clone(), error.rule.clone().into());
            refused.with_violation(Violation { field, description, rule })
        })
    }
}

/// An error for people.
fn sentence(error: &ImportError) -> String {
    let ImportError { line, field, message, .. } = error;
    let space = if field.is_empty() { "" } else { " " };
    format!("line {line}: {field}{space}{message}")
}
