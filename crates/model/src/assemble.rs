//! Descriptors to a [`Catalog`].

use crate::catalog::{Catalog, IdFormat, Index, IndexField, IndexMethod, Method, MethodKind, Model, Roles};
use crate::comments::Comments;
use crate::declared::{self, Declared};
use crate::index_name::index_name;
use crate::roles::{Role, fields_of};
use crate::shape::{FieldId, Shapes};
use crate::shapes_of::shapes_of;
use crate::storage_names::StorageNames;
use crate::types::reachable;
use bytes::Bytes;
use prost_reflect::DescriptorPool;
use std::collections::HashMap;
use std::sync::Arc;

/// Why a stored revision cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are not linked descriptors.
    #[error("the descriptor set cannot be read: {0}")]
    DescriptorSet(String),
    /// The descriptors are no models that this version understands.
    #[error("{0}")]
    Model(String),
}

/// Reads a stored revision: models, what they import, and the derived services.
///
/// # Errors
/// If the bytes are not what [`compile`](crate::compile) made.
pub fn load(revision: i64, descriptor_set: Bytes, names: &StorageNames) -> Result<Catalog, LoadError> {
    let pool =
        DescriptorPool::decode(descriptor_set.clone()).map_err(|error| LoadError::DescriptorSet(error.to_string()))?;
    assemble(revision, pool, descriptor_set, names)
}

/// Makes the catalog of a pool that holds models and their services.
pub(crate) fn assemble(
    revision: i64,
    pool: DescriptorPool,
    descriptor_set: Bytes,
    names: &StorageNames,
) -> Result<Catalog, LoadError> {
    let declared = declared::find(&pool);
    let mut comments = Comments::default();
    let reachable = reachable(declared.iter().map(|declared| declared.message.clone()));
    let models: Vec<&str> = declared.iter().map(Declared::full_name).collect();
    let shapes = Arc::new(shapes_of(&reachable, &models, names, &mut comments)?);
    let models = declared
        .iter()
        .map(|declared| Ok(Arc::new(model(declared, &shapes)?)))
        .collect::<Result<Vec<Arc<Model>>, LoadError>>()?;
    let mut methods = HashMap::new();
    let mut collections = HashMap::new();
    for (at, model) in models.iter().enumerate() {
        collections.insert(format!("{}/{}", model.version, model.resource), at);
        for kind in MethodKind::ALL {
            methods.insert(model.method_path(kind), Method { model: Arc::clone(model), kind });
        }
    }
    Ok(Catalog { revision, pool, descriptor_set, shapes, models, methods, collections })
}

fn model(declared: &Declared, shapes: &Arc<Shapes>) -> Result<Model, LoadError> {
    let full_name = declared.full_name();
    let wrong = |what: &str| LoadError::Model(format!("{full_name} {what}"));
    let shape_id = shapes.by_name(full_name).ok_or_else(|| wrong("has no shape"))?;
    let shape = shapes.get(shape_id);
    let role = |role: Role| {
        let fields = fields_of(&declared.message, role);
        fields.first().and_then(|field| shape.by_number(field.number()))
    };
    let roles = Roles {
        id: role(Role::Id).ok_or_else(|| wrong("has no id"))?,
        created_at: role(Role::CreateTime),
        updated_at: role(Role::UpdateTime),
        etag: role(Role::Etag),
    };
    let table = declared.table();
    let package = declared.message.package_name();
    let separator = if package.is_empty() { "" } else { "." };
    let indexes = declared
        .indexes
        .iter()
        .map(|index| {
            let fields = index
                .parts()
                .map(|(name, descending)| {
                    let field = by_proto_name(shape, name).ok_or_else(|| wrong(&format!("has no field {name:?}")))?;
                    Ok(IndexField { field, descending })
                })
                .collect::<Result<Vec<IndexField>, LoadError>>()?;
            let name = index_name(&table, shape, &fields, index.unique);
            Ok(Index { name, fields, unique: index.unique, reason: index.reason.clone(), method: IndexMethod::Ordered })
        })
        .collect::<Result<Vec<Index>, LoadError>>()?;
    Ok(Model {
        full_name: full_name.to_owned(),
        name: declared.name().to_owned(),
        plural: declared.plural.clone(),
        comment: shape.comment.clone(),
        service: format!("{package}{separator}{}", declared.service_name()),
        singular_field: declared.singular_field(),
        plural_field: declared.plural_field(),
        version: declared.version().to_owned(),
        resource: declared.resource.clone(),
        shape: shape_id,
        shapes: Arc::clone(shapes),
        id_format: declared.id_format.unwrap_or(IdFormat::UuidV7),
        roles,
        table,
        indexes,
        references: Vec::new(),
        referrers: Vec::new(),
    })
}

fn by_proto_name(shape: &crate::shape::Shape, name: &str) -> Option<FieldId> {
    shape.iter().find(|(_, field)| field.name == name).map(|(id, _)| id)
}
