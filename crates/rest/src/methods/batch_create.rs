//! POST `:batchCreate`: creates several records.

use super::{Call, Request, batch_writes};
use crate::json_field_paths::record_key;
use crate::rest_error::RestError;
use axum::body::Body;
use groundplan_operations::{Backend, Operation};
use http::Response;

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let key = record_key(&call.model);
    let (model, budget) = (call.model.clone(), call.caller.budget.clone());
    let written = batch_writes::write(call, request, vec![key.clone()], move |item| {
        let record = item.record(&key, &model, &budget)?.record;
        Ok(Operation::Create { record, local_ref: String::new() })
    })
    .await?;
    batch_writes::records(&call.model, written)
}
