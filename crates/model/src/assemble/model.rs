//! One model of a catalog.

use super::{LoadError, indexes, references};
use crate::catalog::{IdFormat, Model, Roles};
use crate::declared::Declared;
use crate::relations::Relations;
use crate::roles::{Role, fields_of};
use crate::shape::Shapes;
use std::sync::Arc;

/// Makes a model. `all` are those that it may refer to.
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
        deleted_at: None,
        expires_at: None,
    };
    let history = match declared.history {
        Some(written) => Some(written.history().ok_or_else(|| wrong(declared, "has a history that cannot be kept"))?),
        None => None,
    };
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
        soft_delete: None,
        expiry: None,
        defaults: Vec::new(),
        computed: Vec::new(),
        roles,
        table: declared.table(),
        indexes: indexes::of_model(declared, shape, &references)?,
        references,
        referrers: references::to_model(full_name, relations, shapes)?,
    })
}

/// Says what is wrong with a model.
pub(super) fn wrong(declared: &Declared, what: &str) -> LoadError {
    LoadError::Model(format!("{} {what}", declared.full_name()))
}
