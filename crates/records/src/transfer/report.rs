//! The report of an import.

use super::MAX_ERRORS;
use super::row_error::RowError;
use groundplan_error::{Error, Reason, Violation};
use groundplan_proto::records::v1::{ImportError, ImportResponse};

/// The numbers and errors of the rows so far.
pub(crate) type Report = ImportResponse;

/// Operations on reports.
pub(crate) trait Reporting {
    /// Counts an invalid row.
    fn fail(&mut self, line: u64, row_errors: Vec<RowError>);
    /// Adds the report of later rows.
    fn add(&mut self, later: Self);
    /// Returns the error of an atomic import with invalid rows.
    fn to_error(&self) -> Error;
}

impl Reporting for Report {
    fn fail(&mut self, line: u64, row_errors: Vec<RowError>) {
        self.failed += 1;
        for row_error in row_errors {
            if self.errors.len() < MAX_ERRORS {
                self.errors.push(row_error.at_line(line));
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

    fn to_error(&self) -> Error {
        let first = self.errors.first().map(sentence).unwrap_or_default();
        let message = format!(
            "nothing was loaded: {} of the first {} rows are invalid; {first}; correct them, or skip them with ON_ERROR_SKIP",
            self.failed, self.read
        );
        let error = Error::new(Reason::RowsInvalid, message);
        let error = error.with("read", self.read.to_string()).with("failed", self.failed.to_string());
        self.errors.iter().fold(error, |error, row| {
            let field = match row.field.as_str() {
                "" => format!("line {}", row.line),
                field => format!("line {}: {field}", row.line),
            };
            let (description, rule) = (row.message.clone(), row.rule.clone().into());
            error.with_violation(Violation { field, description, rule })
        })
    }
}

/// Returns an error as text for people.
fn sentence(error: &ImportError) -> String {
    let ImportError { line, field, message, .. } = error;
    let space = if field.is_empty() { "" } else { " " };
    format!("line {line}: {field}{space}{message}")
}
