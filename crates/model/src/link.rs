//! Parsed files to a pool of linked descriptors: imports, names and options resolved.

mod names;
mod order;
mod report;
mod words;

use crate::bundled::standard_file;
use crate::code;
use crate::diagnostic::{Findings, Place};
use crate::guard::guarded_at;
use crate::protoc;
use crate::source::{Parsed, ParsedFiles, Read};
use groundplan_budget::Budget;
use groundplan_error::Error;
use names::Names;
use prost_reflect::{DescriptorError, DescriptorPool};
use prost_types::{DescriptorProto, FileDescriptorProto};
use std::collections::BTreeSet;

/// After so many files that cannot be linked, the others are not tried: each one can cost as much as all before it.
pub(crate) const MAX_UNLINKED: usize = 20;

/// Descriptors, linked.
pub(crate) struct Linked {
    pub(crate) pool: DescriptorPool,
    /// Whether all files were tried. If not, what is missing from the pool says nothing.
    pub(crate) is_complete: bool,
}

/// Links all files that can be linked and reports why the others cannot.
pub(crate) fn link(read: &Read, budget: &Budget, found: &mut Findings) -> Result<Linked, Error> {
    let files = &read.parsed;
    let order = order::order(files, &read.refused, found);
    let mut linker = Linker { files, pool: DescriptorPool::new(), good: Vec::new(), names: None };
    let mut bad: BTreeSet<&str> = BTreeSet::new();
    let mut unlinked = 0;
    for (at, &path) in order.iter().enumerate() {
        budget.check()?;
        let Some(parsed) = files.get(path) else { continue };
        // What is wrong with an import is reported there; what follows from it would be noise.
        if parsed.descriptor.dependency.iter().any(|import| bad.contains(import.as_str())) {
            bad.insert(path);
            continue;
        }
        if linker.link(path, parsed, budget, found)? {
            continue;
        }
        bad.insert(path);
        unlinked += 1;
        let left = order.len() - at - 1;
        if unlinked == MAX_UNLINKED && left > 0 {
            let message = format!("{unlinked} files cannot be linked, so the {left} files after them were not tried");
            found.report(
                Place::default(),
                code::PROTO_LINK,
                message,
                "correct those that are reported, and plan again",
            );
            return Ok(Linked { pool: linker.pool, is_complete: false });
        }
    }
    Ok(Linked { pool: linker.pool, is_complete: true })
}

struct Linker<'a> {
    files: &'a ParsedFiles,
    pool: DescriptorPool,
    /// The files in the pool, in order.
    good: Vec<&'a str>,
    /// What is defined where. Made for the first file that cannot be linked.
    names: Option<Names<'a>>,
}

impl<'a> Linker<'a> {
    /// Links one file, whose own imports are linked, and reports what is wrong with it. Returns whether it is in the pool.
    fn link(
        &mut self,
        path: &'a str,
        parsed: &'a Parsed,
        budget: &Budget,
        found: &mut Findings,
    ) -> Result<bool, Error> {
        let pool = &mut self.pool;
        let added = match guarded_at(|| Place::file(path), || add(pool, parsed)) {
            Ok(added) => added,
            Err(panicked) => {
                found.add(panicked);
                self.rebuild(budget)?;
                return Ok(false);
            }
        };
        if let Err(error) = added {
            let is_kept = declares_extensions(&parsed.descriptor);
            if is_kept {
                self.rebuild(budget)?;
            }
            // Once more, with the places of what has none of its own, so that the error has one.
            let with_places = report::with_places_of_map_entries(parsed);
            let again = with_places
                .map(|descriptor| guarded_at(|| Place::file(path), || self.pool.add_file_descriptor_proto(descriptor)));
            if is_kept && again.is_some() {
                self.rebuild(budget)?;
            }
            let error = again.and_then(|again| again.ok()?.err()).unwrap_or(error);
            let names = self.names.get_or_insert_with(|| Names::of(self.files));
            report::report(path, parsed, error, names, found);
            return Ok(false);
        }
        self.good.push(path);
        if let Some(file) = self.pool.get_file_by_name(path) {
            protoc::check_linked(&file, parsed, found);
        }
        Ok(true)
    }

    /// Makes the pool again, out of what was linked so far. A pool that refuses a file takes back all that it had added, but
    /// for the extensions of it that messages of other files keep (prost-reflect 0.16).
    fn rebuild(&mut self, budget: &Budget) -> Result<(), Error> {
        self.pool = DescriptorPool::new();
        for parsed in self.good.iter().filter_map(|&path| self.files.get(path)) {
            budget.check()?;
            // They were added before.
            let _ = add(&mut self.pool, parsed);
        }
        Ok(())
    }
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

/// Whether a file extends messages.
fn declares_extensions(file: &FileDescriptorProto) -> bool {
    fn within(message: &DescriptorProto) -> bool {
        !message.extension.is_empty() || message.nested_type.iter().any(within)
    }
    !file.extension.is_empty() || file.message_type.iter().any(within)
}
