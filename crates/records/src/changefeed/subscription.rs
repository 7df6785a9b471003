//! What a follower asks for. Followers that ask for the same are served together.

use groundplan_identity::Principal;
use groundplan_model::catalog::Model;
use groundplan_operations::WatchQuery;
use groundplan_query::page_token::Origin;

/// What a follower asks for, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subscription {
    pub(crate) tenant: String,
    /// Each model once; one of them, unless `is_many`.
    pub(crate) models: Vec<SubscribedModel>,
    pub(crate) with_previous: bool,
    /// Whether it is a watch of any models, whose events look different.
    pub(crate) is_many: bool,
}

/// One model of a watch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SubscribedModel {
    /// The full name.
    pub(crate) model: String,
    /// CEL; empty: all.
    pub(crate) filter: String,
    pub(crate) read_mask: Vec<String>,
}

impl Subscription {
    /// A watch of one model, by its own service.
    pub(crate) fn of_model(principal: &Principal, model: &Model, query: &WatchQuery) -> Self {
        let WatchQuery { filter, read_mask, .. } = query.clone();
        Self {
            tenant: principal.tenant.clone(),
            models: vec![SubscribedModel { model: model.full_name.clone(), filter, read_mask }],
            with_previous: query.with_previous,
            is_many: false,
        }
    }

    /// What tokens of the watch are bound to: who follows what. What is shown of the records may change.
    pub(crate) fn origin(&self) -> Origin {
        let mut parts = vec!["watch", &self.tenant];
        for SubscribedModel { model, filter, .. } in &self.models {
            parts.extend([model.as_str(), filter]);
        }
        Origin::of(parts.into_iter().map(str::as_bytes))
    }
}
