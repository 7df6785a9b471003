//! POST to a collection: creates a record.

use super::write_options::{REQUEST_ID, VALIDATE_ONLY, WriteOptions, replayed};
use super::{Call, Request, decode};
use crate::etag::{self, Tags};
use crate::rest_error::RestError;
use crate::{body, response, target};
use axum::body::Body;
use groundplan_codec::Stored;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use groundplan_operations::{Backend, Operation};
use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, Response, StatusCode};

/// The query parameters, which are the fields of the gRPC request.
pub(super) const PARAMETERS: &[&str] = &[REQUEST_ID, VALIDATE_ONLY];

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let Request { headers, query, body, .. } = request;
    let options = WriteOptions::from_query(&headers, &query)?;
    let bytes = body::read_json(&headers, body, call.max_body).await?;
    let decoded = decode(call, bytes).await?;
    let is_conditional = is_conditional(&call.model, &headers)?;
    let operation = Operation::Create { record: decoded.record, local_ref: String::new() };
    let written = options.write(call, operation).await.map_err(|error| match error.reason() {
        Reason::RecordExists if is_conditional => RestError::precondition(error),
        _ => error.into(),
    })?;
    let is_repeat = written.is_repeat;
    let stored = written.into_single().ok_or_else(|| Error::internal("a creation has given no record"))?;
    replayed(is_repeat, created(&call.model, &stored, &options))
}

/// Whether the record must not exist. The headers are conditions on the record to create (RFC 9110, 13.1), so no etag can match.
fn is_conditional(model: &Model, headers: &HeaderMap) -> Result<bool, RestError> {
    if etag::if_match(headers)?.is_some() {
        let message = format!("If-Match needs a {} that exists, but POST creates one; use PATCH or PUT", model.name);
        return Err(RestError::precondition(Error::new(Reason::EtagMismatch, message)));
    }
    Ok(etag::if_none_match(headers)?.is_some_and(|tags| tags == Tags::Any))
}

/// The response with a created record.
pub(super) fn created(model: &Model, stored: &Stored, options: &WriteOptions) -> Result<Response<Body>, RestError> {
    if options.validate_only {
        return options.record_response(model, stored);
    }
    let location = target::record_path(model, response::id_of(model, stored)?);
    let mut response = response::record(StatusCode::CREATED, model, stored)?;
    response.headers_mut().insert(LOCATION, HeaderValue::try_from(location).map_err(Error::internal)?);
    Ok(response)
}
