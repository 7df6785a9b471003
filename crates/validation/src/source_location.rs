//! Where something is declared in the models' files, and what to say about it.

use crate::RULE_INVALID;
use groundplan_model::Diagnostic;
use prost_reflect::{ExtensionDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor};

/// Where in the models' files something is declared.
#[derive(Clone)]
pub(crate) struct Place {
    /// The full name of what is declared.
    name: String,
    file: String,
    /// Counted from 1; 0 if unknown.
    line: u32,
    column: u32,
}

impl Place {
    /// No place in particular.
    pub(crate) fn nowhere() -> Self {
        Self { name: String::new(), file: String::new(), line: 0, column: 0 }
    }

    pub(crate) fn message(message: &MessageDescriptor) -> Self {
        Self::find(message.full_name(), &message.parent_file(), message.path())
    }

    pub(crate) fn field(field: &FieldDescriptor) -> Self {
        Self::find(field.full_name(), &field.parent_message().parent_file(), field.path())
    }

    pub(crate) fn extension(extension: &ExtensionDescriptor) -> Self {
        Self::find(extension.full_name(), &extension.parent_file(), extension.path())
    }

    fn find(name: &str, file: &FileDescriptor, path: &[i32]) -> Self {
        let info = file.file_descriptor_proto().source_code_info.as_ref();
        let span = info.and_then(|info| info.location.iter().find(|location| location.path == path));
        // Counted from zero there, from one here.
        let number = |at: usize| {
            let number = span.and_then(|location| location.span.get(at));
            number.and_then(|number| u32::try_from(*number).ok()).map_or(0, |number| number + 1)
        };
        Self { name: name.to_owned(), file: file.name().to_owned(), line: number(0), column: number(1) }
    }
}

/// Reports a broken rule, and names what it is of.
pub(crate) fn diagnostic(place: &Place, message: impl Into<String>, help: &str) -> Diagnostic {
    let message = message.into();
    let message = if message.contains(&place.name) { message } else { format!("{}: {message}", place.name) };
    Diagnostic {
        file: place.file.clone(),
        line: place.line,
        column: place.column,
        code: RULE_INVALID,
        message,
        help: help.to_owned(),
    }
}
