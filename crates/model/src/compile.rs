//! What is handed in, to a catalog or to everything that is wrong with it.

use crate::assemble::assemble;
use crate::catalog::Catalog;
use crate::check;
use crate::code;
use crate::declared;
use crate::derive;
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::input::{self, Input, SourceFile};
use crate::link::link;
use crate::storage_names::StorageNames;
use crate::types::reachable;
use bytes::Bytes;

/// Models that are free of errors.
#[derive(Debug)]
pub struct Compiled {
    /// Of revision 0.
    pub catalog: Catalog,
    /// The names in storage: those that were known, and those of new fields.
    pub storage_names: StorageNames,
    /// The text of the derived services, one file a model.
    pub derived: Vec<SourceFile>,
}

/// Compiles models. `known` are the names in storage of what was applied before.
///
/// # Errors
/// Everything that is wrong, all at once, in the order of the files.
pub fn compile(input: Input, known: &StorageNames) -> Result<Compiled, Vec<Diagnostic>> {
    let mut found = Findings::default();
    let read = input::read(input, &mut found);
    let mut pool = link(&read, &mut found);
    let declared = declared::find(&pool);
    check::check(&check::Subject { pool: &pool, models: &declared, files: &read.parsed }, &mut found);
    if found.is_empty() && declared.is_empty() {
        let help = "write `option (groundplan.model.v1.model) = {};` in a message, and import \"groundplan/model/v1/model.proto\"";
        found.report(Place::default(), code::NO_MODELS, "no message is a model", help);
    }
    if !found.is_empty() {
        return Err(found.into_sorted());
    }
    let derived = derive::files(&declared);
    derive::add(&mut pool, &derived, &mut found);
    if !found.is_empty() {
        return Err(found.into_sorted());
    }
    let mut storage_names = known.clone();
    storage_names.extend_by(&reachable(declared.iter().map(|declared| declared.message.clone())));
    let descriptor_set = Bytes::from(pool.encode_to_vec());
    match assemble(0, pool, descriptor_set, &storage_names) {
        Ok(catalog) => Ok(Compiled { catalog, storage_names, derived }),
        Err(error) => {
            let help = "report it: the checks before should have said what is wrong";
            found.report(Place::default(), code::PROTO_LINK, error.to_string(), help);
            Err(found.into_sorted())
        }
    }
}
