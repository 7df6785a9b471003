//! The methods that are derived from a model.

use super::Model;
use std::sync::Arc;

/// A method of a derived service.
#[derive(Clone, Debug)]
pub struct Method {
    pub model: Arc<Model>,
    pub kind: MethodKind,
}

/// The kind of a derived method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MethodKind {
    Create,
    Get,
    List,
    Update,
    Delete,
    /// Restores a deleted record. Only models with [`SoftDelete`](super::SoftDelete) have it.
    Undelete,
    /// Returns several records by id.
    BatchGet,
    BatchCreate,
    BatchUpdate,
    BatchDelete,
    Aggregate,
    /// Describes how a list would be executed.
    ExplainList,
    /// Streams the changes of records as they are committed.
    Watch,
    /// Returns the past states of one record. Only models with a [`History`](super::History) have it.
    ListRevisions,
    /// Returns the records that reference one: the index in [`Model::referrers`] of a reference with an inverse
    /// relation.
    ListRelated(u16),
}

impl MethodKind {
    /// The methods that every model has, in the order of the service.
    pub const ALL: [Self; 12] = [
        Self::Create,
        Self::Get,
        Self::List,
        Self::Update,
        Self::Delete,
        Self::BatchGet,
        Self::BatchCreate,
        Self::BatchUpdate,
        Self::BatchDelete,
        Self::Aggregate,
        Self::ExplainList,
        Self::Watch,
    ];
}

impl Model {
    /// Lists the methods of the derived service, in its order.
    pub fn method_kinds(&self) -> impl Iterator<Item = MethodKind> {
        let undelete = |kind: MethodKind| {
            let is_behind = kind == MethodKind::Delete && self.soft_delete.is_some();
            [kind].into_iter().chain(is_behind.then_some(MethodKind::Undelete))
        };
        let revisions = self.history.map(|_| MethodKind::ListRevisions);
        let related = self.referrers.iter().zip(0..).filter(|(referrer, _)| referrer.inverse.is_some());
        let of_all = MethodKind::ALL.into_iter().flat_map(undelete);
        of_all.chain(revisions).chain(related.map(|(_, at)| MethodKind::ListRelated(at)))
    }

    /// Returns the gRPC path of a method, such as `/example.v1.EntityService/ListEntities`.
    pub fn method_path(&self, kind: MethodKind) -> String {
        format!("/{}/{}", self.service, self.method_name(kind))
    }

    /// Returns a method's name, such as `ListEntities`.
    pub fn method_name(&self, kind: MethodKind) -> String {
        match kind {
            MethodKind::Create => format!("Create{}", self.name),
            MethodKind::Get => format!("Get{}", self.name),
            MethodKind::List => format!("List{}", self.plural),
            MethodKind::Update => format!("Update{}", self.name),
            MethodKind::Delete => format!("Delete{}", self.name),
            MethodKind::Undelete => format!("Undelete{}", self.name),
            MethodKind::BatchCreate => format!("BatchCreate{}", self.plural),
            MethodKind::BatchUpdate => format!("BatchUpdate{}", self.plural),
            MethodKind::BatchDelete => format!("BatchDelete{}", self.plural),
            MethodKind::BatchGet => format!("BatchGet{}", self.plural),
            MethodKind::Aggregate => format!("Aggregate{}", self.plural),
            MethodKind::ExplainList => format!("ExplainList{}", self.plural),
            MethodKind::Watch => format!("Watch{}", self.plural),
            MethodKind::ListRevisions => format!("List{}Revisions", self.name),
            MethodKind::ListRelated(at) => {
                let referrer = self.referrers.get(usize::from(at));
                let inverse = referrer.and_then(|referrer| referrer.inverse.as_deref()).unwrap_or_default();
                format!("List{}{}", self.name, crate::naming::upper_camel(inverse))
            }
        }
    }
}
