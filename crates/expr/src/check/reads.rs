//! Checks which fields a formula can read: those that are known at the write and stay valid until the next write.

use super::Checker;
use crate::ExprError;
use crate::parse::Span;
use crate::purpose::{FormulaKind, Purpose};
use groundplan_model::catalog::{Model, OnDelete};
use groundplan_model::shape::FieldId;

impl Checker<'_> {
    /// Rejects a relation in a formula.
    pub(super) fn reject_relation_in_formula(&self, reference: FieldId, span: Span) -> Result<(), ExprError> {
        if !self.purpose.is_formula() {
            return Ok(());
        }
        let id = &self.scope.model.shape().field(reference).name;
        let message =
            format!("this refers to another record, and a formula reads only its own record: use the id, `{id}`");
        Err(self.error(span, message))
    }

    /// Rejects fields that filters can read but formulas cannot.
    pub(super) fn check_formula_read(&self, read: FieldId, span: Span) -> Result<(), ExprError> {
        let Purpose::Formula { kind, field } = self.purpose else { return Ok(()) };
        match formula_read_error(self.scope.model, kind, field, read) {
            Some(message) => Err(self.error(span, message)),
            None => Ok(()),
        }
    }
}

fn formula_read_error(model: &Model, kind: FormulaKind, field: FieldId, read: FieldId) -> Option<String> {
    let name = &model.shape().field(read).name;
    if read == field {
        return Some(format!("`{name}` is the field of the formula, which cannot read itself"));
    }
    if model.roles.deleted_at == Some(read) {
        return Some(format!("`{name}` is absent in every written record: leave it out"));
    }
    if model.roles.etag == Some(read) {
        return Some(format!("`{name}` is computed after a record is written: leave it out"));
    }
    let is_computed = model.computed.iter().any(|formula| formula.field == read);
    match (kind, is_computed) {
        (FormulaKind::Default, true) => {
            Some(format!("`{name}` is computed after all defaults: use the fields that it is computed from"))
        }
        (FormulaKind::Computed, true) => Some(format!(
            "`{name}` is computed, too, and computed fields cannot read each other: use the fields that `{name}` is computed from"
        )),
        (FormulaKind::Computed, false) => cleared_read_error(model, read),
        (FormulaKind::Default, false) => None,
    }
}

/// Rejects fields that the deletion of another record changes, because nothing is computed then.
fn cleared_read_error(model: &Model, read: FieldId) -> Option<String> {
    let mut references = model.references.iter().filter(|reference| reference.on_delete == OnDelete::SetNull);
    let is_time = model.roles.updated_at == Some(read);
    let cleared = references.find(|reference| is_time || reference.field == read)?;
    let name = |field: FieldId| &model.shape().field(field).name;
    let (read, cleared) = (name(read), name(cleared.field));
    Some(format!(
        "`{read}` changes without a write when the record that `{cleared}` refers to is deleted (ON_DELETE_SET_NULL), and nothing is \
         computed then: leave `{read}` out"
    ))
}

/// Returns why expressions cannot read a field, if so.
pub(crate) fn unreadable(field: &groundplan_model::shape::Field, is_etag: bool) -> Option<String> {
    if field.behavior.input_only {
        return Some(format!("`{}` is input only, so expressions cannot read it", field.name));
    }
    is_etag.then(|| {
        format!(
            "`{}` is computed when a record is read, so expressions cannot read it: read the record and compare",
            field.name
        )
    })
}
