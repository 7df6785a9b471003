//! Links parsed files to a pool of descriptors: resolves imports, names and options.

mod definitions;
mod explain;
mod order;
mod report;

use crate::bundled::standard_file;
use crate::catch_panic::catch_panic_at;
use crate::code;
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::protoc;
use crate::source::{ParsedFile, ParsedFiles, ParsedUpload};
use definitions::Definitions;
use groundplan_budget::Budget;
use groundplan_error::Error;
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
pub(crate) fn link(upload: &ParsedUpload, budget: &Budget, diagnostics: &mut Diagnostics) -> Result<Linked, Error> {
    let files = &upload.files;
    let order = order::sort_by_imports(files, &upload.rejected, diagnostics);
    let mut linker = Linker { files, pool: DescriptorPool::new(), linked: Vec::new(), definitions: None };
    let mut broken: BTreeSet<&str> = BTreeSet::new();
    let mut unlinked = 0;
    for (at, &path) in order.iter().enumerate() {
        budget.check()?;
        let Some(parsed) = files.get(path) else { continue };
        // The import has diagnostics of its own; errors that follow from it would be noise.
        if parsed.descriptor.dependency.iter().any(|import| broken.contains(import.as_str())) {
            broken.insert(path);
            continue;
        }
        if linker.link(path, parsed, budget, diagnostics)? {
            continue;
        }
        broken.insert(path);
        unlinked += 1;
        let left = order.len() - at - 1;
        if unlinked == MAX_UNLINKED && left > 0 {
            let message = format!("{unlinked} files cannot be linked, so the remaining {left} files were skipped");
            diagnostics.report(
                SourceLocation::default(),
                code::PROTO_LINK,
                message,
                "correct the reported files, and plan again",
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
    linked: Vec<&'a str>,
    /// The definitions of all files. Collected for the first file that cannot be linked.
    definitions: Option<Definitions<'a>>,
}

impl<'a> Linker<'a> {
    /// Links one file whose imports are linked, and reports its errors. Returns whether the file was added to the pool.
    fn link(
        &mut self,
        path: &'a str,
        parsed: &'a ParsedFile,
        budget: &Budget,
        diagnostics: &mut Diagnostics,
    ) -> Result<bool, Error> {
        let pool = &mut self.pool;
        let added = match catch_panic_at(|| SourceLocation::of_file(path), || add_file(pool, parsed)) {
            Ok(added) => added,
            Err(panicked) => {
                diagnostics.add(panicked);
                self.rebuild(budget)?;
                return Ok(false);
            }
        };
        if let Err(error) = added {
            let keeps_extensions = declares_extensions(&parsed.descriptor);
            if keeps_extensions {
                self.rebuild(budget)?;
            }
            // Try again with locations for map entries, so that the error has one.
            let with_locations = report::with_map_entry_locations(parsed);
            let again = with_locations.map(|descriptor| {
                catch_panic_at(|| SourceLocation::of_file(path), || self.pool.add_file_descriptor_proto(descriptor))
            });
            if keeps_extensions && again.is_some() {
                self.rebuild(budget)?;
            }
            let error = again.and_then(|again| again.ok()?.err()).unwrap_or(error);
            let definitions = self.definitions.get_or_insert_with(|| Definitions::enumeration(self.files));
            report::report(path, parsed, error, definitions, diagnostics);
            return Ok(false);
        }
        self.linked.push(path);
        if let Some(file) = self.pool.get_file_by_name(path) {
            protoc::check_linked(&file, parsed, diagnostics);
        }
        Ok(true)
    }

    /// Rebuilds the pool from the linked files. A pool that rejects a file removes everything that it added, except for
    /// extensions of messages in other files (prost-reflect 0.16).
    fn rebuild(&mut self, budget: &Budget) -> Result<(), Error> {
        self.pool = DescriptorPool::new();
        for parsed in self.linked.iter().filter_map(|&path| self.files.get(path)) {
            budget.check()?;
            // These files were added before.
            let _ = add_file(&mut self.pool, parsed);
        }
        Ok(())
    }
}

/// Adds a file whose imports are in the pool, and the standard files that it imports.
fn add_file(pool: &mut DescriptorPool, parsed: &ParsedFile) -> Result<(), DescriptorError> {
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
    fn in_message(message: &DescriptorProto) -> bool {
        !message.extension.is_empty() || message.nested_type.iter().any(in_message)
    }
    !file.extension.is_empty() || file.message_type.iter().any(in_message)
}
