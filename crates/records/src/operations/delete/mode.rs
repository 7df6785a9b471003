//! The modes of deletes.

use groundplan_model::catalog::Model;

/// The mode of a delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeleteMode {
    ForGood,
    /// The records are marked as deleted, and can be undeleted until they are purged.
    Soft,
    /// The records are expired or their retention has passed, and they are deleted permanently. No caller requested it, so
    /// the cascade includes no visible records.
    Purge,
}

impl DeleteMode {
    /// Returns the mode of a model's deletes.
    pub(crate) fn of_model(model: &Model) -> Self {
        if model.soft_delete.is_some() { Self::Soft } else { Self::ForGood }
    }
}
