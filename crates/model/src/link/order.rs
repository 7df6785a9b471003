//! Sorts files so that each comes after its imports.

use super::explain;
use crate::bundled::is_standard;
use crate::code;
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::source::ParsedFiles;
use std::collections::{BTreeSet, HashMap};

/// The number of the field of `FileDescriptorProto` that contains the imports.
const DEPENDENCY: i32 = 3;

/// Sorts files so that each comes after its imports. Leaves out and reports files with unknown imports or import
/// cycles.
pub(super) fn sort_by_imports<'a>(
    files: &'a ParsedFiles,
    rejected: &BTreeSet<String>,
    diagnostics: &mut Diagnostics,
) -> Vec<&'a str> {
    let mut traversal =
        Traversal { files, rejected, diagnostics, states: HashMap::new(), order: Vec::with_capacity(files.len()) };
    for path in files.keys() {
        traversal.visit(path);
    }
    traversal.order
}

/// The state of a file during the traversal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileState {
    InProgress,
    Linkable,
    Broken,
}

struct Traversal<'a, 'f> {
    files: &'a ParsedFiles,
    rejected: &'f BTreeSet<String>,
    diagnostics: &'f mut Diagnostics,
    states: HashMap<&'a str, FileState>,
    order: Vec<&'a str>,
}

impl<'a> Traversal<'a, '_> {
    /// Visits a file's imports, then the file. The stack is explicit because a chain of a thousand imports would
    /// overflow the thread's stack.
    fn visit(&mut self, start: &'a str) {
        if self.states.contains_key(start) {
            return;
        }
        self.states.insert(start, FileState::InProgress);
        let mut stack: Vec<(&'a str, usize, FileState)> = vec![(start, 0, FileState::Linkable)];
        while let Some((path, next, state)) = stack.last_mut() {
            let path: &'a str = path;
            let imports = self.files.get(path).map_or(&[][..], |file| file.descriptor.dependency.as_slice());
            if let Some(import) = imports.get(*next) {
                let at = *next;
                *next += 1;
                let outcome = self.import_state(path, at, import);
                match outcome {
                    Some(import_state) => {
                        if import_state == FileState::Broken {
                            *state = FileState::Broken;
                        }
                    }
                    None => {
                        // The import comes first; this file is visited again after it.
                        *next -= 1;
                        self.states.insert(import, FileState::InProgress);
                        stack.push((import, 0, FileState::Linkable));
                    }
                }
                continue;
            }
            let state = *state;
            stack.pop();
            self.states.insert(path, state);
            if state == FileState::Linkable {
                self.order.push(path);
            }
        }
    }

    /// Returns the state of an import; `None` if it must be visited first.
    fn import_state(&mut self, path: &str, at: usize, import: &'a str) -> Option<FileState> {
        if !self.files.contains_key(import) {
            if is_standard(import) {
                return Some(FileState::Linkable);
            }
            if !self.rejected.contains(import) {
                self.report_unknown(path, at, import);
            }
            return Some(FileState::Broken);
        }
        match self.states.get(import) {
            None => None,
            Some(FileState::InProgress) => {
                let message = format!("the import {import:?} creates an import cycle");
                let help = "move shared definitions into a third file";
                let location = self.location(path, at);
                self.diagnostics.report(location, code::IMPORT_CYCLE, message, help);
                Some(FileState::Broken)
            }
            Some(state) => Some(*state),
        }
    }

    fn report_unknown(&mut self, path: &str, at: usize, import: &str) {
        let help = explain::unknown_import_help(import, self.files.keys().map(String::as_str));
        let location = self.location(path, at);
        self.diagnostics.report(location, code::IMPORT_UNKNOWN, format!("the import {import:?} does not exist"), help);
    }

    /// Returns the location of an import.
    fn location(&self, path: &str, at: usize) -> SourceLocation {
        let at = i32::try_from(at).unwrap_or(i32::MAX);
        self.files.get(path).map_or_else(
            || SourceLocation::of_file(path),
            |file| SourceLocation::in_unlinked(&file.descriptor, &[DEPENDENCY, at]),
        )
    }
}
