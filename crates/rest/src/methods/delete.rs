//! DELETE of a record.

use super::precondition::Precondition;
use super::write_options::{REQUEST_ID, VALIDATE_ONLY, WriteOptions, replayed};
use super::{Call, Request};
use crate::rest_error::RestError;
use crate::{body, response};
use axum::body::Body;
use groundplan_operations::{Backend, Operation};
use http::{Response, StatusCode};

/// The query parameters, which are the fields of the gRPC request.
pub(super) const PARAMETERS: &[&str] = &["etag", REQUEST_ID, VALIDATE_ONLY, "allowMissing"];

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let Request { target, headers, query, body, .. } = request;
    let id = target.id();
    let options = WriteOptions::from_query(&headers, &query)?;
    let may_be_missing = query.flag("allowMissing")?;
    let precondition = Precondition::new(&headers, query.get("etag").map(str::to_owned))?;
    body::expect_none(body, "send an etag as If-Match, or as ?etag=").await?;
    let allow_missing = may_be_missing && !precondition.needs_a_record();
    // A missing record needs no protection, so it is an error even if it meets the condition.
    let expected = precondition.resolve(call, id, &options, false).await?;
    let etag = expected.etag().unwrap_or_default().to_owned();
    let result = options.write(call, Operation::Delete { id: id.to_owned(), etag, allow_missing }).await;
    let written = result.map_err(|error| expected.to_rest_error(error, &call.model.full_name, id))?;
    let is_repeat = written.is_repeat;
    // After a soft delete, the record still exists.
    replayed(
        is_repeat,
        match written.into_single() {
            Some(stored) => options.record_response(&call.model, &stored),
            None => Ok(response::empty(StatusCode::NO_CONTENT)),
        },
    )
}
