//! `WatchMany`: the changes of several models in one stream.

use super::Messages;
use crate::changefeed::{SubscribedModel, Subscription};
use crate::derived::{event, streaming::ended};
use crate::state::Records;
use crate::watch::{Begin, MAX_MODELS, watch};
use futures_util::StreamExt as _;
use groundplan_error::Error;
use groundplan_identity::Principal;
use groundplan_proto::records::v1::{WatchManyRequest, WatchManyResponse, WatchedModel};
use groundplan_proto::watch::v1::Start;
use std::collections::HashSet;

pub(super) async fn run(
    records: &Records,
    principal: &Principal,
    request: WatchManyRequest,
) -> Result<Messages<WatchManyResponse>, Error> {
    let start = Start::try_from(request.start)
        .map_err(|_| Error::field("start", "enum.defined_only", "must be START_NOW or START_INITIAL, or absent"))?;
    let begin = Begin::of(start, &request.token, request.allow_scan)?;
    let models = watched(request.models)?;
    let tenant = principal.tenant.clone();
    let subject = Subscription { tenant, models, with_previous: request.with_previous, is_many: true };
    let events = watch(records, principal, subject, begin).await?;
    Ok(events.map(|event| event.map(|event| event::of_many(&event)).map_err(ended)).boxed())
}

fn watched(models: Vec<WatchedModel>) -> Result<Vec<SubscribedModel>, Error> {
    if !(1..=MAX_MODELS).contains(&models.len()) {
        return Err(Error::field("models", "repeated.items", format!("must have 1 to {MAX_MODELS} models")));
    }
    let mut seen = HashSet::new();
    for (at, watched) in models.iter().enumerate() {
        if !seen.insert(watched.model.as_str()) {
            let place = format!("models[{at}].model");
            return Err(Error::field(place, "repeated.unique", "must be another one than those before it"));
        }
    }
    let watched = models.into_iter().map(|WatchedModel { model, filter, read_mask }| SubscribedModel {
        model,
        filter,
        read_mask: read_mask.map(|mask| mask.paths).unwrap_or_default(),
    });
    Ok(watched.collect())
}
