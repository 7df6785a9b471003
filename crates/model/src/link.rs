//! Parsed files to a pool of linked descriptors: imports, names and options resolved.

use crate::bundled::{standard_file, standard_paths};
use crate::code;
use crate::diagnostic::{Findings, Place};
use crate::input::{Parsed, ParsedFiles, Read};
use crate::naming::nearest;
use miette::Diagnostic as _;
use prost_reflect::{DescriptorError, DescriptorPool};
use std::collections::{BTreeSet, HashMap};

/// Which field of `FileDescriptorProto` holds the imports.
const DEPENDENCY: i32 = 3;

/// Links all files that can be linked and reports why the others cannot.
pub(crate) fn link(read: &Read, found: &mut Findings) -> DescriptorPool {
    let files = &read.parsed;
    let order = order(files, &read.refused, found);
    let mut pool = DescriptorPool::new();
    let mut good: Vec<&str> = Vec::new();
    let mut bad: BTreeSet<&str> = BTreeSet::new();
    for &path in &order {
        let Some(parsed) = files.get(path) else { continue };
        // What is wrong with an import is said there; what follows from it would be noise.
        if parsed.descriptor.dependency.iter().any(|import| bad.contains(import.as_str())) {
            bad.insert(path);
            continue;
        }
        match add(&mut pool, parsed) {
            Ok(()) => good.push(path),
            Err(error) => {
                report(path, parsed, error, found);
                bad.insert(path);
                // A pool that refused a file may have kept parts of it.
                pool = DescriptorPool::new();
                for parsed in good.iter().filter_map(|&path| files.get(path)) {
                    // They were added before.
                    let _ = add(&mut pool, parsed);
                }
            }
        }
    }
    pool
}

/// Adds a file whose own imports are in the pool, and the standard files that it imports.
fn add(pool: &mut DescriptorPool, parsed: &Parsed) -> Result<(), DescriptorError> {
    for import in &parsed.descriptor.dependency {
        add_standard(pool, import)?;
    }
    match &parsed.encoded {
        Some(encoded) => pool.decode_file_descriptor_proto(encoded.clone()),
        None => pool.add_file_descriptor_proto(parsed.descriptor.clone()),
    }
}

/// Adds a standard file and what it imports, unless it is there.
pub(crate) fn add_standard(pool: &mut DescriptorPool, path: &str) -> Result<(), DescriptorError> {
    if pool.get_file_by_name(path).is_some() {
        return Ok(());
    }
    let Some(file) = standard_file(path) else { return Ok(()) };
    for import in &file.file_descriptor_proto().dependency {
        add_standard(pool, import)?;
    }
    pool.add_file_descriptor_proto(file.into())
}

/// The files, each behind those that it imports. Leaves out, and reports, those with unknown imports or in a cycle.
fn order<'a>(files: &'a ParsedFiles, refused: &BTreeSet<String>, found: &mut Findings) -> Vec<&'a str> {
    let mut walk = Walk { files, refused, found, states: HashMap::new(), order: Vec::with_capacity(files.len()) };
    for path in files.keys() {
        walk.visit(path);
    }
    walk.order
}

/// How far the walk is with a file.
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
    /// Visits a file's imports, then the file. The stack is our own: a thousand files may import each other in a row.
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
                        // The import comes first; then this one is looked at again.
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

    /// What is known of an import; `None` if it must be visited first.
    fn import(&mut self, path: &str, at: usize, import: &'a str) -> Option<State> {
        if !self.files.contains_key(import) {
            if standard_file(import).is_some() {
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
        let known = self.files.keys().map(String::as_str).chain(standard_paths().map(|path| -> &str { path }));
        let help = match nearest(import, known) {
            Some(near) => format!("did you mean {near:?}? Paths are relative to the folder that is applied"),
            None => "hand it in too; paths are relative to the folder that is applied".to_owned(),
        };
        let place = self.place(path, at);
        self.found.report(place, code::IMPORT_UNKNOWN, format!("the import {import:?} is unknown"), help);
    }

    /// Where a file imports something.
    fn place(&self, path: &str, at: usize) -> Place {
        let at = i32::try_from(at).unwrap_or(i32::MAX);
        let span = self.files.get(path).and_then(|file| {
            let info = file.descriptor.source_code_info.as_ref()?;
            info.location.iter().find(|location| location.path == [DEPENDENCY, at]).map(|location| &location.span)
        });
        let number = |index: usize| {
            span.and_then(|span| span.get(index))
                .and_then(|&value| u32::try_from(value).ok())
                .map_or(0, |value| value + 1)
        };
        Place { file: path.to_owned(), line: number(0), column: number(1) }
    }
}

/// Reports everything that the linker has to say of a file.
fn report(path: &str, parsed: &Parsed, error: DescriptorError, found: &mut Findings) {
    let number = |value: Option<usize>| value.and_then(|value| u32::try_from(value).ok()).map_or(0, |value| value + 1);
    let first = Place { file: path.to_owned(), line: number(error.line()), column: number(error.column()) };
    let error = match &parsed.text {
        Some(text) => error.with_source_code(text),
        None => error,
    };
    let place = |part: &dyn miette::Diagnostic| {
        let offset = part.labels()?.last()?.offset();
        Some(Place::offset(path, parsed.text.as_ref()?, offset))
    };
    let say = |part: &dyn miette::Diagnostic| match part.diagnostic_source() {
        Some(cause) => format!("{part}: {cause}"),
        None => part.to_string(),
    };
    let help = |part: &dyn miette::Diagnostic| match part.help() {
        Some(help) => help.to_string(),
        None => "see https://protobuf.dev/programming-guides/proto3".to_owned(),
    };
    found.report(first, code::PROTO_LINK, say(&error), help(&error));
    for part in error.related().into_iter().flatten() {
        found.report(place(part).unwrap_or_else(|| Place::file(path)), code::PROTO_LINK, say(part), help(part));
    }
}
