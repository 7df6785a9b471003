//! POST of `:batchCreate`: several records at once.

use super::{Call, batch};
use crate::named::record_key;
use crate::refusal::Refusal;
use axum::body::Body;
use groundplan_operations::{Backend, Operation};
use http::{HeaderMap, Response};

pub(super) async fn answer<B: Backend>(
    call: &Call<'_, B>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response<Body>, Refusal> {
    let key = record_key(&call.model);
    let (model, budget) = (call.model.clone(), call.caller.budget.clone());
    let written = batch::write(call, (headers, body), vec![key.clone()], move |request| {
        let record = request.record(&key, &model, &budget)?.record;
        Ok(Operation::Create { record, local_ref: String::new() })
    })
    .await?;
    batch::records(&call.model, written)
}
