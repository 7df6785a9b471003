//! Assembles one model of a catalog.

use super::error::{LoadError, wrong};
use super::{indexes, references};
use crate::catalog::{Formula, IdFormat, Model, Roles};
use crate::declared::Declared;
use crate::options::{FormulaKind, written_formula};
use crate::relations::Relations;
use crate::roles::{Role, fields_of};
use crate::shape::{Shape, Shapes};
use prost_reflect::FieldDescriptor;
use std::sync::Arc;

/// Assembles a model. `all` are the models that it can reference.
pub(super) fn model(
    declared: &Declared,
    all: &[Declared],
    relations: &Relations<'_>,
    shapes: &Arc<Shapes>,
) -> Result<Model, LoadError> {
    let full_name = declared.full_name();
    let shape_id = shapes.by_name(full_name).ok_or_else(|| wrong(declared, "has no shape"))?;
    let shape = shapes.get(shape_id);
    let role = |role: Role| {
        let fields = fields_of(&declared.message, role);
        fields.first().and_then(|field| shape.by_number(field.number()))
    };
    let roles = Roles {
        id: role(Role::Id).ok_or_else(|| wrong(declared, "has no id"))?,
        created_at: role(Role::CreateTime),
        updated_at: role(Role::UpdateTime),
        etag: role(Role::Etag),
        deleted_at: role(Role::DeleteTime),
        expires_at: role(Role::ExpireTime),
    };
    let history = match declared.history {
        Some(written) => Some(written.history().ok_or_else(|| wrong(declared, "has a history that cannot be kept"))?),
        None => None,
    };
    let soft_delete = match declared.soft_delete {
        Some(written) => Some(written.soft_delete().ok_or_else(|| wrong(declared, "does not keep deleted records"))?),
        None => None,
    };
    let expiry = match declared.expiry {
        Some(written) => Some(written.expiry().ok_or_else(|| wrong(declared, "has an expiry of no time"))?),
        None => None,
    };
    if soft_delete.is_some() != roles.deleted_at.is_some() || expiry.is_some() != roles.expires_at.is_some() {
        return Err(wrong(declared, "lacks the field for a time that it needs"));
    }
    let references = references::of_model(declared, all, shape)?;
    let package = declared.message.package_name();
    let separator = if package.is_empty() { "" } else { "." };
    Ok(Model {
        full_name: full_name.to_owned(),
        name: declared.name().to_owned(),
        plural: declared.plural.clone(),
        comment: shape.comment.clone(),
        service: format!("{package}{separator}{}", declared.service_name()),
        singular_field: declared.singular_field(),
        plural_field: declared.plural_field(),
        event_field: declared.event_field(),
        version: declared.version().to_owned(),
        resource: declared.resource.clone(),
        shape: shape_id,
        shapes: Arc::clone(shapes),
        id_format: declared.id_format.unwrap_or(IdFormat::UuidV7),
        history,
        soft_delete,
        expiry,
        defaults: formulas(declared, shape, FormulaKind::Default),
        computed: formulas(declared, shape, FormulaKind::Computed),
        roles,
        table: declared.table(),
        indexes: indexes::of_model(declared, shape, &roles, &references)?,
        references,
        referrers: references::to_model(full_name, relations, shapes)?,
    })
}

/// Reads the expressions of one kind.
fn formulas(declared: &Declared, shape: &Shape, kind: FormulaKind) -> Vec<Formula> {
    let formula = |field: FieldDescriptor| {
        let source = written_formula(&field, kind)?;
        Some(Formula { field: shape.by_number(field.number())?, source })
    };
    declared.message.fields().filter_map(formula).collect()
}
