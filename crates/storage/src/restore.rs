//! Restores objects as a revision needs them: text columns that a killed apply started to turn into references, and foreign keys
//! of earlier versions of this program.

use super::existing::Existing;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::shape::{Cardinality, FieldId, Kind};
use groundplan_model::{Ddl, forbid_null, make_deferrable};

/// Reports whether a field is an ordinary text without presence, so that its column is `NOT NULL`.
pub(super) fn is_never_null(model: &Model, id: FieldId) -> bool {
    let field = model.shape().field(id);
    field.kind == Kind::String && field.cardinality == Cardinality::Implicit && model.reference(id).is_none()
}

/// Returns statements that make the foreign keys of earlier versions deferrable. Each changes only PostgreSQL's catalog, and
/// waits for its lock like every change of a table in use.
pub(super) fn deferrable(target: &Catalog, existing: &Existing) -> Vec<Ddl> {
    let of_model = |model: &'_ Model| {
        let is_strict = |constraint: &str| existing.has_strict_foreign_key(&model.table, constraint);
        let strict = model.references.iter().filter(|reference| is_strict(&reference.constraint));
        strict.map(|reference| make_deferrable(model, reference)).collect::<Vec<Ddl>>()
    };
    target.models.iter().flat_map(|model| of_model(model)).collect()
}

/// Returns statements that restore the `NOT NULL` that a killed apply dropped. Columns that still have the trigger are left
/// out: an apply continues there.
pub(super) fn not_null(target: &Catalog, existing: &Existing) -> Vec<Ddl> {
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
