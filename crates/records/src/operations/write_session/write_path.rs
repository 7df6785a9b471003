//! The location of a write in a request.

use groundplan_model::catalog::Model;
use groundplan_operations::{Form, Operation};

/// The location of one write in a request. In a method of one record the paths are empty, and fields have no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WritePath<'a> {
    form: Form,
    at: usize,
    kind: &'static str,
    record: &'a str,
}

impl<'a> WritePath<'a> {
    pub(crate) fn new(form: Form, at: usize, operation: &Operation, model: &'a Model) -> Self {
        let kind = match operation {
            Operation::Create { .. } => "create",
            Operation::Update { .. } => "update",
            Operation::Delete { .. } => "delete",
            Operation::Undelete { .. } => "undelete",
            Operation::Verify { .. } => "verify",
        };
        let record = if form == Form::Commit { "record" } else { &model.singular_field };
        Self { form, at, kind, record }
    }

    /// Returns the path of the write, such as `requests[3]`.
    pub(crate) fn item(self) -> String {
        match self.form {
            Form::Single => String::new(),
            Form::Batch => format!("requests[{}]", self.at),
            Form::Commit => format!("writes[{}]", self.at),
        }
    }

    /// Returns the path of the message with the write's fields, such as `writes[3].delete`.
    pub(crate) fn message(self) -> String {
        match self.form {
            Form::Commit => format!("writes[{}].{}", self.at, self.kind),
            Form::Single | Form::Batch => self.item(),
        }
    }

    /// Returns the path of the record, such as `requests[3].book`.
    pub(crate) fn record(self) -> String {
        match self.form {
            Form::Single => String::new(),
            Form::Batch | Form::Commit => format!("{}.{}", self.message(), self.record),
        }
    }
}
