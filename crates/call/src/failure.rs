//! Errors over REST, with their cause and code for the layers.

use crate::context;
use axum::body::Body;
use groundplan_error::{Code, Error, UNTOUCHED};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

/// The full cause of an error, for the log: an extension of the response, which never leaves the server.
#[derive(Clone, Debug)]
pub struct Cause(pub String);

/// The gRPC code of a REST error, which no header has, as an extension of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode(pub Code);

/// Returns the REST envelope with its headers. `instead` replaces the status and the `error.code` of the reason, for statuses that
/// exist only in HTTP. Failures of the server reveal no details.
pub fn envelope(error: &Error, instead: Option<(StatusCode, &'static str)>) -> Response<Body> {
    let (status, mut envelope) = error.to_envelope();
    let mut status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some((other, code)) = instead {
        status = other;
        envelope.code = code;
    }
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        envelope = Error::internal("in the log").to_envelope().1;
    }
    if let Some(name) = context::name() {
        envelope.identify(&name);
    }
    let mut response = Response::new(Body::from(envelope.to_string()));
    *response.status_mut() = status;
    response.extensions_mut().insert(Cause(error.log_text()));
    response.extensions_mut().insert(ErrorCode(error.reason().code()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if error.is_not_started() {
        headers.insert(UNTOUCHED, HeaderValue::from_static("true"));
    }
    if let Some(delay) = error.retry_delay() {
        // Whole seconds, rounded up.
        let seconds = delay.as_secs().saturating_add(u64::from(delay.subsec_nanos() > 0));
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
