//! Links parsed files to a pool of descriptors: resolves imports, names and options.

mod names;
mod order;
mod report;
mod words;

use crate::bundled::standard_file;
use crate::catch_panic::catch_panic_at;
use crate::code;
use crate::diagnostic::{Findings, Place};
use crate::protoc;
use crate::source::{Parsed, ParsedFiles, Read};
use groundplan_budget::Budget;
use groundplan_error::Error;
use names::Names;
use prost_reflect::{DescriptorError, DescriptorPool};
use prost_types::{DescriptorProto, FileDescriptorProto};
use std::collections::BTreeSet;

/// The maximum number of files that cannot be linked; the others are then skipped. Each one can cost as much as all
/// previous files.
pub(crate) const MAX_UNLINKED: usize = 20;

/// Linked descriptors.
pub(crate) struct Linked {
    pub(crate) pool: DescriptorPool,
    /// Whether all files were tried. If not, files that are missing from the pool might be correct.
    pub(crate) is_complete: bool,
}

/// Links files and reports why the others cannot be linked.
pub(crate) fn link(read: &Read, budget: &Budget, found: &mut Findings) -> Result<Linked, Error> {
    let files = &read.parsed;
    let order = order::order(files, &read.refused, found);
    let mut linker = Linker { files, pool: DescriptorPool::new(), good: Vec::new(), names: None };
    let mut bad: BTreeSet<&str> = BTreeSet::new();
    let mut unlinked = 0;
    for (at, &path) in order.iter().enumerate() {
        budget.check()?;
        let Some(parsed) = files.get(path) else { continue };
        // The import has diagnostics of its own; errors that follow from it would be noise.
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
    /// The linked files, in the order in which they were added.
    good: Vec<&'a str>,
    /// The definitions of all files. Collected for the first file that cannot be linked.
    names: Option<Names<'a>>,
}

impl<'a> Linker<'a> {
    /// Links one file whose imports are linked, and reports its errors. Returns whether the file was added to the pool.
    fn link(
        &mut self,
        path: &'a str,
        parsed: &'a Parsed,
        budget: &Budget,
        found: &mut Findings,
    ) -> Result<bool, Error> {
        let pool = &mut self.pool;
        let added = match catch_panic_at(|| Place::file(path), || add(pool, parsed)) {
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
            // Try again with locations for map entries, so that the error has one.
            let with_places = report::with_places_of_map_entries(parsed);
            let again = with_places.map(|descriptor| {
                catch_panic_at(|| Place::file(path), || self.pool.add_file_descriptor_proto(descriptor))
            });
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

    /// Rebuilds the pool from the linked files. A pool that rejects a file removes everything that it added, except for
    /// extensions of messages in other files (prost-reflect 0.16).
    fn rebuild(&mut self, budget: &Budget) -> Result<(), Error> {
        self.pool = DescriptorPool::new();
        for parsed in self.good.iter().filter_map(|&path| self.files.get(path)) {
            budget.check()?;
            // These files were added before.
            let _ = add(&mut self.pool, parsed);
        }
        Ok(())
    }
}

/// Adds a file whose imports are in the pool, and the standard files that it imports.
fn add(pool: &mut DescriptorPool, parsed: &Parsed) -> Result<(), DescriptorError> {
    for import in &parsed.descriptor.dependency {
        add_standard(pool, import)?;
    }
    match &parsed.encoded {
        Some(encoded) => pool.decode_file_descriptor_proto(encoded.clone()),
        None => pool.add_file_descriptor_proto(parsed.descriptor.clone()),
    }
}

/// Adds a standard file and its imports, unless the pool contains it.
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

/// Returns whether a file extends messages.
fn declares_extensions(file: &FileDescriptorProto) -> bool {
    fn within(message: &DescriptorProto) -> bool {
        !message.extension.is_empty() || message.nested_type.iter().any(within)
    }
    !file.extension.is_empty() || file.message_type.iter().any(within)
}
