//! The ways to delete.

use groundplan_model::catalog::Model;

/// How records are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeleteMode {
    ForGood,
    /// They are marked, and can be undeleted until they are purged.
    Soft,
    /// They are over, and go for good. Nobody asked for it now, so nothing that lives goes with them.
    Purge,
}

impl DeleteMode {
    /// That of a model's deletes.
    pub(crate) fn of_model(model: &Model) -> Self {
        if model.soft_delete.is_some() { Self::Soft } else { Self::ForGood }
    }
}
