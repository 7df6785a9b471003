//! The indexes of plans and revisions, by name.

use groundplan_model::Step;
use groundplan_model::catalog::Catalog;
use std::collections::BTreeSet;

/// Indexes by schema and name.
pub(super) type Indexes = BTreeSet<(String, String)>;

/// Returns the indexes that a step builds.
pub(super) fn of_step(step: &Step) -> impl Iterator<Item = (String, String)> {
    step.statements.iter().filter_map(|statement| Some((statement.table.schema.clone(), statement.index()?.to_owned())))
}

/// Returns the indexes of a revision.
pub(super) fn of_catalog(catalog: &Catalog) -> Indexes {
    let indexes = catalog
        .models
        .iter()
        .flat_map(|model| model.indexes.iter().map(|index| (model.table.schema.clone(), index.name.clone())));
    indexes.collect()
}

/// Returns the names of indexes, for a log.
pub(super) fn names(indexes: &Indexes) -> String {
    let names: Vec<String> = indexes.iter().map(|(schema, name)| format!("{schema}.{name}")).collect();
    names.join(", ")
}
