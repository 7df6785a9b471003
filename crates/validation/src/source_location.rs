//! Locations of declarations in the models' files, and diagnostics about them.

use crate::RULE_INVALID;
use groundplan_model::Diagnostic;
use prost_reflect::{ExtensionDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor};

/// The location of a declaration in the models' files.
#[derive(Clone)]
pub(crate) struct SourceLocation {
    /// The full name of the declaration.
    name: String,
    file: String,
    /// Counted from 1; 0 if unknown.
    line: u32,
    column: u32,
}

impl SourceLocation {
    /// Returns an unknown location.
    pub(crate) fn unknown() -> Self {
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
        // Descriptors count from 0, diagnostics from 1.
        let number = |at: usize| {
            let number = span.and_then(|location| location.span.get(at));
            number.and_then(|number| u32::try_from(*number).ok()).map_or(0, |number| number + 1)
        };
        Self { name: name.to_owned(), file: file.name().to_owned(), line: number(0), column: number(1) }
    }
}

/// Returns a diagnostic about an invalid rule, which names the declaration.
pub(crate) fn diagnostic(location: &SourceLocation, message: impl Into<String>, help: &str) -> Diagnostic {
    let message = message.into();
    let message = if message.contains(&location.name) { message } else { format!("{}: {message}", location.name) };
    Diagnostic {
        file: location.file.clone(),
        line: location.line,
        column: location.column,
        code: RULE_INVALID,
        message,
        help: help.to_owned(),
    }
}
