//! Sorts files so that each comes after its imports.

use super::words;
use crate::bundled::is_standard;
use crate::code;
use crate::diagnostic::{Findings, Place};
use crate::source::ParsedFiles;
use std::collections::{BTreeSet, HashMap};

/// The number of the field of `FileDescriptorProto` that contains the imports.
const DEPENDENCY: i32 = 3;

/// Sorts files so that each comes after its imports. Leaves out and reports files with unknown imports or import
/// cycles.
pub(super) fn order<'a>(files: &'a ParsedFiles, refused: &BTreeSet<String>, found: &mut Findings) -> Vec<&'a str> {
    let mut walk = Walk { files, refused, found, states: HashMap::new(), order: Vec::with_capacity(files.len()) };
    for path in files.keys() {
        walk.visit(path);
    }
    walk.order
}

/// The state of a file during the traversal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Good,
    Bad,
}

struct Walk<'a, 'f> {
    files: &'a ParsedFiles,
    refused: &'f BTreeSet<String>,
    found: &'f mut Findings,
    states: HashMap<&'a str, State>,
    order: Vec<&'a str>,
}

impl<'a> Walk<'a, '_> {
    /// Visits a file's imports, then the file. The stack is explicit because a chain of a thousand imports would
    /// overflow the thread's stack.
    fn visit(&mut self, start: &'a str) {
        if self.states.contains_key(start) {
            return;
        }
        self.states.insert(start, State::Open);
        let mut stack: Vec<(&'a str, usize, State)> = vec![(start, 0, State::Good)];
        while let Some((path, next, state)) = stack.last_mut() {
            let path: &'a str = path;
            let imports = self.files.get(path).map_or(&[][..], |file| file.descriptor.dependency.as_slice());
            if let Some(import) = imports.get(*next) {
                let at = *next;
                *next += 1;
                let outcome = self.import(path, at, import);
                match outcome {
                    Some(found) => {
                        if found == State::Bad {
                            *state = State::Bad;
                        }
                    }
                    None => {
                        // The import comes first; this file is visited again after it.
                        *next -= 1;
                        self.states.insert(import, State::Open);
                        stack.push((import, 0, State::Good));
                    }
                }
                continue;
            }
            let state = *state;
            stack.pop();
            self.states.insert(path, state);
            if state == State::Good {
                self.order.push(path);
            }
        }
    }

    /// Returns the state of an import; `None` if it must be visited first.
    fn import(&mut self, path: &str, at: usize, import: &'a str) -> Option<State> {
        if !self.files.contains_key(import) {
            if is_standard(import) {
                return Some(State::Good);
            }
            if !self.refused.contains(import) {
                self.report_unknown(path, at, import);
            }
            return Some(State::Bad);
        }
        match self.states.get(import) {
            None => None,
            Some(State::Open) => {
                let message = format!("importing {import:?} closes a cycle of imports");
                let help = "move what both need into a third file";
                let place = self.place(path, at);
                self.found.report(place, code::IMPORT_CYCLE, message, help);
                Some(State::Bad)
            }
            Some(state) => Some(*state),
        }
    }

    fn report_unknown(&mut self, path: &str, at: usize, import: &str) {
        let help = words::unknown_import(import, self.files.keys().map(String::as_str));
        let place = self.place(path, at);
        self.found.report(place, code::IMPORT_UNKNOWN, format!("the import {import:?} is unknown"), help);
    }

    /// Returns the location of an import.
    fn place(&self, path: &str, at: usize) -> Place {
        let at = i32::try_from(at).unwrap_or(i32::MAX);
        self.files
            .get(path)
            .map_or_else(|| Place::file(path), |file| Place::within(&file.descriptor, &[DEPENDENCY, at]))
    }
}
