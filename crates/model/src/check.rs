//! Checks that models can be served. Errors are reported with their location; nothing is changed.

mod behavior;
mod clashes;
mod fields;
mod formulas;
mod index_methods;
mod indexes;
mod inverses;
mod lifetimes;
mod models;
mod names;
mod references;

use crate::declared::DeclaredModel;
use crate::diagnostic::Diagnostics;
use crate::source::ParsedFiles;
use crate::types::reachable;
pub(crate) use fields::MAX_FIELDS;
use groundplan_budget::Budget;
use groundplan_error::Error;
pub(crate) use indexes::{MAX_INDEX_FIELDS, MAX_INDEXES};
pub(crate) use models::MAX_MODELS;
use prost_reflect::DescriptorPool;
pub(crate) use references::MAX_REFERENCES;

/// The models to check, with their pool and files.
pub(crate) struct CheckedModels<'a> {
    pub(crate) pool: &'a DescriptorPool,
    pub(crate) models: &'a [DeclaredModel],
    pub(crate) files: &'a ParsedFiles,
}

/// Checks all models.
pub(crate) fn check(checked: &CheckedModels<'_>, budget: &Budget, diagnostics: &mut Diagnostics) -> Result<(), Error> {
    models::check(checked, diagnostics);
    clashes::check(checked, diagnostics);
    for declared in checked.models {
        budget.check()?;
        names::check(declared, diagnostics);
        fields::check_roles(declared, diagnostics);
        lifetimes::check(declared, diagnostics);
        formulas::check(declared, diagnostics);
        behavior::check(declared, diagnostics);
        indexes::check(declared, checked.files, diagnostics);
        references::check(declared, checked.models, diagnostics);
    }
    inverses::check(checked.models, diagnostics);
    let reachable = reachable(checked.models.iter().map(|declared| declared.message.clone()));
    for message in &reachable.messages {
        budget.check()?;
        fields::check_types(message, diagnostics);
        references::check_non_model(message, checked.models, diagnostics);
        formulas::check_non_model(message, checked.models, diagnostics);
    }
    Ok(())
}
