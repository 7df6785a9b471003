//! Columns of texts as a revision needs them, after an apply that was to make references of them and was killed.

use super::existing::Existing;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::shape::{Cardinality, FieldId, Kind};
use groundplan_model::{Ddl, forbid_null};

/// Whether a field is an ordinary text that is never absent, so that its column is `NOT NULL`.
pub(super) fn is_never_null(model: &Model, id: FieldId) -> bool {
    let field = model.shape().field(id);
    field.kind == Kind::String && field.cardinality == Cardinality::Implicit && model.reference(id).is_none()
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
