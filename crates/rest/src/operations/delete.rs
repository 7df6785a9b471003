//! DELETE of a record.

use super::Call;
use super::precondition::Precondition;
use crate::query::Query;
use crate::refusal::Refusal;
use crate::{Backend, Operation, Writes, answer, body};
use axum::body::Body;
use http::{HeaderMap, Response, StatusCode};

/// The query parameters, which are the fields of the gRPC request.
pub(super) const PARAMETERS: &[&str] = &["etag"];

pub(super) async fn answer<B: Backend>(
    call: &Call<'_, B>,
    id: &str,
    headers: &HeaderMap,
    query: &Query,
    body: Body,
) -> Result<Response<Body>, Refusal> {
    let precondition = Precondition::new(headers, query.get("etag").map(str::to_owned))?;
    body::expect_none(body, "send an etag as If-Match, or as ?etag=").await?;
    let settled = precondition.settle(call, id).await?;
    let etag = settled.etag().unwrap_or_default().to_owned();
    let operation = Operation::Delete { id: id.to_owned(), etag, allow_missing: false };
    let result = call.backend.write(&call.caller, Writes::single(&call.model, operation)).await;
    result.map_err(|error| settled.refusal(error, &call.model.full_name, id))?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}
