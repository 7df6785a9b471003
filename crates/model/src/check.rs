//! Everything that makes a model servable. What is wrong is reported with its place; nothing is changed.

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

use crate::declared::Declared;
use crate::diagnostic::Findings;
use crate::source::ParsedFiles;
use crate::types::reachable;
pub(crate) use fields::MAX_FIELDS;
use groundplan_budget::Budget;
use groundplan_error::Error;
pub(crate) use indexes::{MAX_INDEX_FIELDS, MAX_INDEXES};
pub(crate) use models::MAX_MODELS;
use prost_reflect::DescriptorPool;
pub(crate) use references::MAX_REFERENCES;

/// What is checked.
pub(crate) struct Subject<'a> {
    pub(crate) pool: &'a DescriptorPool,
    pub(crate) models: &'a [Declared],
    pub(crate) files: &'a ParsedFiles,
}

/// Checks all models.
pub(crate) fn check(subject: &Subject<'_>, budget: &Budget, found: &mut Findings) -> Result<(), Error> {
    models::check(subject, found);
    clashes::check(subject, found);
    for declared in subject.models {
        budget.check()?;
        names::check(declared, found);
        fields::check_roles(declared, found);
        lifetimes::check(declared, found);
        formulas::check(declared, found);
        behavior::check(declared, found);
        indexes::check(declared, subject.files, found);
        references::check(declared, subject.models, found);
    }
    inverses::check(subject.models, found);
    let reachable = reachable(subject.models.iter().map(|declared| declared.message.clone()));
    for message in &reachable.messages {
        budget.check()?;
        fields::check_types(message, found);
        references::check_others(message, subject.models, found);
        formulas::check_others(message, subject.models, found);
    }
    Ok(())
}
