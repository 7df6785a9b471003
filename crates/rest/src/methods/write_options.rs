//! How a write is made, whatever it writes: once for each request id, or only tried.

use super::Call;
use crate::input::Input;
use crate::json_field_paths;
use crate::parameter_errors::invalid_parameter;
use crate::query::Query;
use crate::rest_error::RestError;
use crate::{request_id, response};
use axum::body::Body;
use groundplan_codec::Stored;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use groundplan_operations::{Backend, Operation, Writes, Written};
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

pub(super) const REQUEST_ID: &str = "requestId";
pub(super) const VALIDATE_ONLY: &str = "validateOnly";

/// Says that a call was made before, and that this is its answer.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How a write is made.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteOptions {
    pub(super) request_id: String,
    pub(super) validate_only: bool,
}

impl WriteOptions {
    /// As headers and query say.
    pub(super) fn from_query(headers: &HeaderMap, query: &Query) -> Result<Self, Error> {
        let request_id = resolve_request_id(headers, query.text(REQUEST_ID))?;
        Ok(Self { request_id, validate_only: query.flag(VALIDATE_ONLY)? })
    }

    /// As headers and body say, for a write of several records: the headers' conditions could not be about one of them.
    pub(super) fn from_batch_body(headers: &HeaderMap, body: &mut Input<'_>) -> Result<Self, Error> {
        for name in [IF_MATCH, IF_NONE_MATCH] {
            if headers.contains_key(&name) {
                let words = format!("{name} is only for methods of one record; send each record's etag in the body");
                return Err(Error::new(Reason::EtagInvalid, words).with("header", name.as_str()));
            }
        }
        Self::from_body(headers, body)
    }

    /// As headers and body say.
    pub(super) fn from_body(headers: &HeaderMap, body: &mut Input<'_>) -> Result<Self, Error> {
        let request_id = resolve_request_id(headers, body.text(REQUEST_ID)?)?;
        Ok(Self { request_id, validate_only: body.flag(VALIDATE_ONLY)? })
    }

    /// Gives it to writes.
    pub(super) fn apply(&self, writes: Writes) -> Writes {
        Writes { request_id: self.request_id.clone(), validate_only: self.validate_only, ..writes }
    }

    /// Answers with a record.
    pub(super) fn record_response(&self, model: &Model, stored: &Stored) -> Result<Response<Body>, RestError> {
        if self.validate_only {
            return Ok(response::unstored(model, stored));
        }
        response::record(StatusCode::OK, model, stored)
    }

    /// Makes a single write.
    pub(super) async fn write<B: Backend>(&self, call: &Call<'_, B>, operation: Operation) -> Result<Written, Error> {
        let written = call.backend.write(&call.caller, self.apply(Writes::single(&call.model, operation))).await;
        written.map_err(|error| json_field_paths::of_record(&call.model, error))
    }
}

/// The id of the call. It is one, wherever it stands.
fn resolve_request_id(headers: &HeaderMap, given: String) -> Result<String, Error> {
    request_id::check(REQUEST_ID, &given)?;
    match request_id::of_header(headers)? {
        None => Ok(given),
        Some(key) if given.is_empty() || given == key => Ok(key),
        Some(_) => {
            let description = format!("is another one than {}; send one of them", request_id::NAME);
            Err(invalid_parameter(REQUEST_ID, "request_id", description))
        }
    }
}

/// Says so if the answer is that to an earlier call.
pub(super) fn replayed(
    is_repeat: bool,
    response: Result<Response<Body>, RestError>,
) -> Result<Response<Body>, RestError> {
    let mut response = response?;
    if is_repeat {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}
