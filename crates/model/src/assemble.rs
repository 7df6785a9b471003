//! Assembles a [`Catalog`] from descriptors.

mod error;
mod indexes;
mod model;
mod references;
mod shapes;

use crate::catalog::{Catalog, Method, Model};
use crate::catch_panic::catch_panic;
use crate::comments::Comments;
use crate::declared::{self, DeclaredModel};
use crate::relations::Relations;
use crate::storage_names::StorageNames;
use crate::types::reachable;
use bytes::Bytes;
pub use error::LoadError;
use prost_reflect::DescriptorPool;
use shapes::build_shapes;
use std::collections::HashMap;
use std::sync::Arc;

/// Loads a stored revision: models, their imports, and the derived services.
///
/// # Errors
/// Returns an error if the bytes are not the output of [`compile`](crate::compile).
pub fn load(revision: i64, descriptor_set: Bytes, names: &StorageNames) -> Result<Catalog, LoadError> {
    let load = || {
        let pool = DescriptorPool::decode(descriptor_set.clone());
        let pool = pool.map_err(|error| LoadError::DescriptorSet(error.to_string()))?;
        assemble(revision, pool, descriptor_set, names)
    };
    catch_panic(load).unwrap_or_else(|panicked| Err(LoadError::DescriptorSet(panicked.message)))
}

/// Assembles the catalog of a pool that contains models and their services.
pub(crate) fn assemble(
    revision: i64,
    pool: DescriptorPool,
    descriptor_set: Bytes,
    names: &StorageNames,
) -> Result<Catalog, LoadError> {
    let declared = declared::find_models(&pool, None);
    let mut comments = Comments::default();
    let reachable = reachable(declared.iter().map(|declared| declared.message.clone()));
    let models: Vec<&str> = declared.iter().map(DeclaredModel::full_name).collect();
    let shapes = Arc::new(build_shapes(&reachable, &models, names, &mut comments)?);
    let relations = Relations::from_models(&declared);
    let models = declared
        .iter()
        .map(|one| Ok(Arc::new(model::assemble_model(one, &declared, &relations, &shapes)?)))
        .collect::<Result<Vec<Arc<Model>>, LoadError>>()?;
    let mut methods = HashMap::new();
    let mut collections = HashMap::new();
    for (at, model) in models.iter().enumerate() {
        collections.insert(format!("{}/{}", model.version, model.resource), at);
        for kind in model.method_kinds() {
            methods.insert(model.method_path(kind), Method { model: Arc::clone(model), kind });
        }
    }
    Ok(Catalog { revision, pool, descriptor_set, shapes, models, methods, collections })
}
