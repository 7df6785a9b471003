//! The subscriptions of watchers. Watchers with the same subscription are served together.

use groundplan_identity::Principal;
use groundplan_model::catalog::Model;
use groundplan_operations::WatchQuery;
use groundplan_query::page_token::Origin;

/// A subscription, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subscription {
    pub(crate) tenant: String,
    /// Each model once. Exactly one model, unless `is_many`.
    pub(crate) models: Vec<SubscribedModel>,
    pub(crate) with_previous: bool,
    /// Whether it is a WatchMany, which has another event format.
    pub(crate) is_many: bool,
}

/// One model of a watch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SubscribedModel {
    /// The full name.
    pub(crate) model: String,
    /// CEL. If it is empty, all records match.
    pub(crate) filter: String,
    pub(crate) read_mask: Vec<String>,
}

impl Subscription {
    /// Returns the subscription of a watch of one model, by the model's service.
    pub(crate) fn of_model(principal: &Principal, model: &Model, query: &WatchQuery) -> Self {
        let WatchQuery { filter, read_mask, .. } = query.clone();
        Self {
            tenant: principal.tenant.clone(),
            models: vec![SubscribedModel { model: model.full_name.clone(), filter, read_mask }],
            with_previous: query.with_previous,
            is_many: false,
        }
    }

    /// Returns the origin that tokens of the watch are bound to: the tenant, the models and the filters. Read masks can change.
    pub(crate) fn origin(&self) -> Origin {
        let mut parts = vec!["watch", &self.tenant];
        for SubscribedModel { model, filter, .. } in &self.models {
            parts.extend([model.as_str(), filter]);
        }
        Origin::of(parts.into_iter().map(str::as_bytes))
    }
}
