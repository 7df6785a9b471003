//! Errors in assembling a catalog.

use crate::declared::DeclaredModel;

/// An error in loading a stored revision.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are not linked descriptors.
    #[error("the descriptor set cannot be read: {0}")]
    DescriptorSet(String),
    /// This version does not understand the models.
    #[error("{0}")]
    Model(String),
}

/// Creates an error about a model.
pub(super) fn invalid_model(declared: &DeclaredModel, problem: &str) -> LoadError {
    LoadError::Model(format!("{} {problem}", declared.full_name()))
}
