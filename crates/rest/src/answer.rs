//! Success as HTTP: records are encoded straight into the body.

use crate::refusal::Refusal;
use axum::body::Body;
use groundplan_codec::{Stored, Value, json};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue};
use http::{Response, StatusCode};

/// Room for a record of common size, so that most bodies are allocated once.
const RECORD_ROOM: usize = 512;

/// One record: `{"data": {…}}` with its ETag.
pub(crate) fn record(status: StatusCode, model: &Model, stored: &Stored) -> Result<Response<Body>, Refusal> {
    let mut body = Vec::with_capacity(RECORD_ROOM);
    body.extend_from_slice(b"{\"data\":");
    json::encode(&model.shapes, model.shape, &stored.record, &mut body);
    body.push(b'}');
    let mut response = json_body(status, body);
    response.headers_mut().insert(ETAG, etag(stored)?);
    Ok(response)
}

/// A page of records: `{"data": […], "nextPageToken": "…"}`.
pub(crate) fn page(model: &Model, page: &crate::Page) -> Response<Body> {
    let mut body = Vec::with_capacity(RECORD_ROOM * (page.records.len() + 1));
    body.extend_from_slice(b"{\"data\":[");
    for (at, stored) in page.records.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        json::encode(&model.shapes, model.shape, &stored.record, &mut body);
    }
    body.extend_from_slice(b"],\"nextPageToken\":");
    body.extend_from_slice(serde_json::Value::from(page.next_page_token.as_str()).to_string().as_bytes());
    body.push(b'}');
    json_body(StatusCode::OK, body)
}

/// The caller has this record already.
pub(crate) fn not_modified(stored: &Stored) -> Result<Response<Body>, Refusal> {
    let mut response = empty(StatusCode::NOT_MODIFIED);
    response.headers_mut().insert(ETAG, etag(stored)?);
    Ok(response)
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

/// The record's id.
pub(crate) fn id_of<'a>(model: &Model, stored: &'a Stored) -> Result<&'a str, Error> {
    match stored.record.get(model.roles.id) {
        Some(Value::String(id)) => Ok(id),
        other => Err(Error::internal(format!("a stored {} has the id {other:?}", model.full_name))),
    }
}

fn etag(stored: &Stored) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(&format!("\"{}\"", stored.etag)).map_err(Error::internal)
}
