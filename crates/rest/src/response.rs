//! Successful responses. Records are encoded directly into the body.

mod committed;
mod computed_values;
mod envelope;
mod events;
mod object;
mod revisions;

pub(crate) use committed::committed;
pub(crate) use computed_values::{ComputedValue, explanation, groups};
pub(crate) use envelope::Envelope;
pub(crate) use events::events;
pub(crate) use object::TYPE_URL;
pub(crate) use revisions::revisions;

use crate::rest_error::RestError;
use axum::body::Body;
use groundplan_codec::{Stored, Value};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use http::header::{ALLOW, CONTENT_TYPE, ETAG, HeaderValue};
use http::{Response, StatusCode};

/// The response with a written record: `{"data": {…}}` with its ETag.
pub(crate) fn record(status: StatusCode, model: &Model, stored: &Stored) -> Result<Response<Body>, RestError> {
    let response = json_body(status, Envelope::of_record(model, None, stored).into_bytes());
    with_etag(response, stored)
}

/// The response of a dry run. It has no ETag, because the record is not stored.
pub(crate) fn unstored(model: &Model, stored: &Stored) -> Response<Body> {
    json_body(StatusCode::OK, Envelope::of_record(model, None, stored).into_bytes())
}

/// Adds a record's ETag.
pub(crate) fn with_etag(mut response: Response<Body>, stored: &Stored) -> Result<Response<Body>, RestError> {
    let etag = HeaderValue::from_str(&format!("\"{}\"", stored.etag)).map_err(Error::internal)?;
    response.headers_mut().insert(ETAG, etag);
    Ok(response)
}

/// The response if the client already has the record.
pub(crate) fn not_modified(stored: &Stored) -> Result<Response<Body>, RestError> {
    with_etag(empty(StatusCode::NOT_MODIFIED), stored)
}

/// A response with a JSON body.
pub(crate) fn json_body(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The response to OPTIONS.
pub(crate) fn options(allow: &str) -> Result<Response<Body>, Error> {
    let mut response = empty(StatusCode::NO_CONTENT);
    response.headers_mut().insert(ALLOW, HeaderValue::from_str(allow).map_err(Error::internal)?);
    Ok(response)
}

/// The id of a record.
pub(crate) fn id_of<'a>(model: &Model, stored: &'a Stored) -> Result<&'a str, Error> {
    match stored.record.get(model.roles.id) {
        Some(Value::String(id)) => Ok(id),
        other => Err(Error::internal(format!("a stored {} has the id {other:?}", model.full_name))),
    }
}
