//! The models of a revision, compiled in this program.

use crate::error::CliError;
use groundplan_model::{Catalog, StorageNames};
use groundplan_proto::schema::v1::Revision;

/// Compiles the models of a stored revision.
pub(crate) fn of_revision(revision: Revision) -> Result<Catalog, CliError> {
    let mut names = StorageNames::default();
    for name in revision.storage_names {
        names.insert(name.message, u32::try_from(name.number).unwrap_or(0), name.name);
    }
    let loaded = groundplan_model::load(revision.number, revision.descriptor_set.into(), &names);
    loaded.map_err(|error| {
        CliError::new(format!(
            "revision {} is live, but this program cannot read it: {error}; use the program version of the suite",
            revision.number
        ))
    })
}
