//! The options of all writes: the request id and the dry run.

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

/// The header that marks the response of an earlier call.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The options of a write.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteOptions {
    pub(super) request_id: String,
    pub(super) validate_only: bool,
}

impl WriteOptions {
    /// Reads the options from the headers and the query.
    pub(super) fn from_query(headers: &HeaderMap, query: &Query) -> Result<Self, Error> {
        let request_id = resolve_request_id(headers, query.text(REQUEST_ID))?;
        Ok(Self { request_id, validate_only: query.flag(VALIDATE_ONLY)? })
    }

    /// Reads the options of a batch from the headers and the body. Conditions in headers are rejected, because they apply to one record.
    pub(super) fn from_batch_body(headers: &HeaderMap, body: &mut Input<'_>) -> Result<Self, Error> {
        for name in [IF_MATCH, IF_NONE_MATCH] {
            if headers.contains_key(&name) {
                let message = format!("{name} is only for methods of one record; send each record's etag in the body");
                return Err(Error::new(Reason::EtagInvalid, message).with("header", name.as_str()));
            }
        }
        Self::from_body(headers, body)
    }

    /// Reads the options from the headers and the body.
    pub(super) fn from_body(headers: &HeaderMap, body: &mut Input<'_>) -> Result<Self, Error> {
        let request_id = resolve_request_id(headers, body.text(REQUEST_ID)?)?;
        Ok(Self { request_id, validate_only: body.flag(VALIDATE_ONLY)? })
    }

    /// Sets the options of writes.
    pub(super) fn apply(&self, writes: Writes) -> Writes {
        Writes { request_id: self.request_id.clone(), validate_only: self.validate_only, ..writes }
    }

    /// The response with a written record.
    pub(super) fn record_response(&self, model: &Model, stored: &Stored) -> Result<Response<Body>, RestError> {
        if self.validate_only {
            return Ok(response::unstored(model, stored));
        }
        response::record(StatusCode::OK, model, stored)
    }

    /// Writes one record.
    pub(super) async fn write<B: Backend>(&self, call: &Call<'_, B>, operation: Operation) -> Result<Written, Error> {
        let written = call.backend.write(&call.caller, self.apply(Writes::single(&call.model, operation))).await;
        written.map_err(|error| json_field_paths::of_record(&call.model, error))
    }
}

/// The request id, from the header or the parameter. If both are present, they must be equal.
fn resolve_request_id(headers: &HeaderMap, given: String) -> Result<String, Error> {
    request_id::check(REQUEST_ID, &given)?;
    match request_id::of_header(headers)? {
        None => Ok(given),
        Some(key) if given.is_empty() || given == key => Ok(key),
        Some(_) => {
            let description = format!("differs from {}; send one of them", request_id::NAME);
            Err(invalid_parameter(REQUEST_ID, "request_id", description))
        }
    }
}

/// Marks the response of an earlier call.
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
