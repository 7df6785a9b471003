//! Why a catalog cannot be assembled.

use crate::declared::Declared;

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

/// Says what is wrong with a model.
pub(super) fn wrong(declared: &Declared, what: &str) -> LoadError {
    LoadError::Model(format!("{} {what}", declared.full_name()))
}
