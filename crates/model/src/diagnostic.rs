//! Diagnostics: errors in models with their location and a remedy.

use crate::code;
use prost_reflect::{FieldDescriptor, FileDescriptor, MessageDescriptor};
use prost_types::FileDescriptorProto;
use std::fmt;

/// An error in models. Displayed as `file:line:column: CODE: message (help)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// The path of the file; empty if the diagnostic concerns no file.
    pub file: String,
    /// Counted from 1; 0 if unknown.
    pub line: u32,
    /// Counted from 1; 0 if unknown.
    pub column: u32,
    /// One of [`crate::code`].
    pub code: &'static str,
    /// The error.
    pub message: String,
    /// The remedy.
    pub help: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(out, "{}:", self.file)?;
            if self.line > 0 {
                write!(out, "{}:{}:", self.line, self.column)?;
            }
            write!(out, " ")?;
        }
        write!(out, "{}: {}", self.code, self.message)?;
        if self.help.is_empty() { Ok(()) } else { write!(out, " ({})", self.help) }
    }
}

impl std::error::Error for Diagnostic {}

/// A location in the models' files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SourceLocation {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl SourceLocation {
    /// Returns the location of a whole file.
    pub(crate) fn of_file(name: &str) -> Self {
        Self { file: name.to_owned(), line: 0, column: 0 }
    }

    /// Returns the line and column of a byte offset in a text.
    pub(crate) fn at_offset(file: &str, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let number = |value| u32::try_from(value).unwrap_or(u32::MAX);
        Self { file: file.to_owned(), line: number(line), column: number(column) }
    }

    /// Returns the byte offset of this location in a text, if it has one.
    pub(crate) fn offset_in(&self, text: &str) -> Option<usize> {
        let above: usize = text.split_inclusive('\n').take(self.line.checked_sub(1)? as usize).map(str::len).sum();
        let line = text.get(above..)?;
        let (before, _) = line.char_indices().nth(self.column.checked_sub(1)? as usize)?;
        Some(above + before)
    }

    /// Returns the location of a descriptor path, or the nearest enclosing one that the source information contains.
    pub(crate) fn at_path(file: &FileDescriptor, path: &[i32]) -> Self {
        Self::in_unlinked(file.file_descriptor_proto(), path)
    }

    /// Returns the location of a path in a file that might not be linked.
    pub(crate) fn in_unlinked(file: &FileDescriptorProto, path: &[i32]) -> Self {
        let locations = file.source_code_info.as_ref().map_or(&[][..], |info| info.location.as_slice());
        let start = (1..=path.len()).rev().find_map(|length| {
            let wanted = path.get(..length)?;
            locations.iter().find(|location| location.path == wanted).map(|location| location.span.as_slice())
        });
        let number =
            |value: Option<&i32>| value.and_then(|&value| u32::try_from(value).ok()).map_or(0, |value| value + 1);
        match start {
            Some(span) => {
                Self { file: file.name().to_owned(), line: number(span.first()), column: number(span.get(1)) }
            }
            None => Self::of_file(file.name()),
        }
    }

    /// Returns the location of a message's declaration.
    pub(crate) fn of_message(message: &MessageDescriptor) -> Self {
        Self::at_path(&message.parent_file(), message.path())
    }

    /// Returns the location of a field's declaration.
    pub(crate) fn of_field(field: &FieldDescriptor) -> Self {
        Self::at_path(&field.parent_message().parent_file(), field.path())
    }
}

/// Collects diagnostics, so that all of them are reported together.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    kept: Vec<Diagnostic>,
    /// The number of diagnostics beyond [`Self::MAX`].
    more: usize,
}

impl Diagnostics {
    /// The maximum number of reported diagnostics, which keeps responses small.
    pub(crate) const MAX: usize = 500;

    pub(crate) fn report(
        &mut self,
        location: SourceLocation,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let SourceLocation { file, line, column } = location;
        self.add(Diagnostic { file, line, column, code, message: message.into(), help: help.into() });
    }

    pub(crate) fn add(&mut self, diagnostic: Diagnostic) {
        if self.kept.len() < Self::MAX {
            self.kept.push(diagnostic);
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.len() + self.more
    }

    /// Returns the diagnostics sorted by file, without duplicates.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.kept.sort();
        self.kept.dedup();
        if self.more > 0 {
            let message =
                format!("there are more than {} diagnostics; only the first ones are reported", self.kept.len());
            let help = "correct these, and plan again".to_owned();
            let location = SourceLocation::default();
            let code = code::DIAGNOSTICS_TOO_MANY;
            self.kept.push(Diagnostic { file: location.file, line: 0, column: 0, code, message, help });
        }
        self.kept
    }
}
