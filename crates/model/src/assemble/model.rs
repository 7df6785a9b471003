//! Assembles one model of a catalog.

use super::error::{LoadError, invalid_model};
use super::{indexes, references};
use crate::catalog::{Formula, IdFormat, Model, Roles};
use crate::declared::DeclaredModel;
use crate::options::{FormulaKind, formula_source};
use crate::relations::Relations;
use crate::roles::{Role, fields_with_role};
use crate::shape::{Shape, Shapes};
use prost_reflect::FieldDescriptor;
use std::sync::Arc;

/// Assembles a model. `all` are the models that it can reference.
pub(super) fn assemble_model(
    declared: &DeclaredModel,
    all: &[DeclaredModel],
    relations: &Relations<'_>,
    shapes: &Arc<Shapes>,
) -> Result<Model, LoadError> {
    let full_name = declared.full_name();
    let shape_id = shapes.by_name(full_name).ok_or_else(|| invalid_model(declared, "has no shape"))?;
    let shape = shapes.get(shape_id);
    let role = |role: Role| {
        let fields = fields_with_role(&declared.message, role);
        fields.first().and_then(|field| shape.by_number(field.number()))
    };
    let roles = Roles {
        id: role(Role::Id).ok_or_else(|| invalid_model(declared, "has no id"))?,
        created_at: role(Role::CreateTime),
        updated_at: role(Role::UpdateTime),
        etag: role(Role::Etag),
        deleted_at: role(Role::DeleteTime),
        expires_at: role(Role::ExpireTime),
    };
    let history = match declared.history {
        Some(written) => {
            Some(written.history().ok_or_else(|| invalid_model(declared, "has an invalid history retention"))?)
        }
        None => None,
    };
    let soft_delete = match declared.soft_delete {
        Some(written) => {
            Some(written.soft_delete().ok_or_else(|| invalid_model(declared, "has an invalid soft delete retention"))?)
        }
        None => None,
    };
    let expiry = match declared.expiry {
        Some(written) => Some(written.expiry().ok_or_else(|| invalid_model(declared, "has an invalid expiry TTL"))?),
        None => None,
    };
    if soft_delete.is_some() != roles.deleted_at.is_some() || expiry.is_some() != roles.expires_at.is_some() {
        return Err(invalid_model(declared, "lacks a time field that its options require"));
    }
    let references = references::assemble_references(declared, all, shape)?;
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
        defaults: read_formulas(declared, shape, FormulaKind::Default),
        computed: read_formulas(declared, shape, FormulaKind::Computed),
        roles,
        table: declared.table(),
        indexes: indexes::assemble_indexes(declared, shape, &roles, &references)?,
        references,
        referrers: references::assemble_referrers(full_name, relations, shapes)?,
    })
}

/// Reads the expressions of one kind.
fn read_formulas(declared: &DeclaredModel, shape: &Shape, kind: FormulaKind) -> Vec<Formula> {
    let formula = |field: FieldDescriptor| {
        let source = formula_source(&field, kind)?;
        Some(Formula { field: shape.by_number(field.number())?, source })
    };
    declared.message.fields().filter_map(formula).collect()
}
