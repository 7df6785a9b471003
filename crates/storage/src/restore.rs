//! What was there before, as a revision needs it: columns of texts of which a killed apply was to make references, and foreign keys
//! of earlier versions of this program.

use super::existing::Existing;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::shape::{Cardinality, FieldId, Kind};
use groundplan_model::{Ddl, forbid_null, make_deferrable};

/// Whether a field is an ordinary text that is never absent, so that its column is `NOT NULL`.
pub(super) fn is_never_null(model: &Model, id: FieldId) -> bool {
    let field = model.shape().field(id);
    field.kind == Kind::String && field.cardinality == Cardinality::Implicit && model.reference(id).is_none()
}

/// What lets the foreign keys be deferred that were made when none could be. Each changes the catalog of PostgreSQL alone, and
/// waits for its lock as all that changes a table in use does.
pub(super) fn deferrable(target: &Catalog, existing: &Existing) -> Vec<Ddl> {
    let of_model = |model: &'_ Model| {
        let is_strict = |constraint: &str| existing.has_strict_foreign_key(&model.table, constraint);
        let strict = model.references.iter().filter(|reference| is_strict(&reference.constraint));
        strict.map(|reference| make_deferrable(model, reference)).collect::<Vec<Ddl>>()
    };
    target.models.iter().flat_map(|model| of_model(model)).collect()
}

/// What gives the columns back their `NOT NULL` that a killed apply took away and nobody has restored. Where its trigger
/// still stands, an apply goes on from there.
pub(super) fn statements(target: &Catalog, existing: &Existing) -> Vec<Ddl> {
    let of_model = |model: &'_ Model| {
        let lost = model.columns().filter(|(id, field)| {
            is_never_null(model, *id)
                && existing.text_is_never_null(&model.table, &field.storage_name) == Some(false)
                && !existing.has_empty_trigger(&model.table, &field.storage_name)
        });
        lost.flat_map(|(id, _)| forbid_null(model, id)).collect::<Vec<Ddl>>()
    };
    target.models.iter().flat_map(|model| of_model(model)).collect()
}
