//! Replaces the errors of the libraries with Groundplan's codes, messages and details.
//!
//! tonic returns INTERNAL for bytes that are not the message, OUT_OF_RANGE for a message that is too large, and no message for an
//! unknown method; axum's 404 has no body. Groundplan's own errors always have details, so errors without details come from a
//! library.

use super::{InnerService, Middleware, Request, Response};
use crate::respond::{error_response, is_grpc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use groundplan_call::MatchedMethod;
use groundplan_call::envelope;
use groundplan_error::{Error, Reason};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use std::convert::Infallible;
use tonic::body::Body;
use tonic::{Code, Status};

/// The supported compressions of messages, as a gRPC header.
const ACCEPTED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("grpc-accept-encoding"), HeaderValue::from_static("identity,gzip"));

/// The layer.
#[derive(Clone)]
pub struct NormalizeErrors;

impl<S: InnerService> Middleware<S> for NormalizeErrors {
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn handle(&self, inner: &mut S, request: Request) -> Self::Future {
        let grpc = is_grpc(request.headers());
        let uri = request.uri().clone();
        let normalize = move |outcome: Result<Response, Infallible>| {
            outcome.map(|response| {
                let Some(error) = replacement_error(&response, &uri, grpc) else { return response };
                let mut normalized = match response.status() {
                    StatusCode::METHOD_NOT_ALLOWED if !grpc => method_not_allowed(&error, &response),
                    _ => error_response(&error, grpc),
                };
                if error.reason() == Reason::EncodingNotSupported {
                    normalized.headers_mut().insert(ACCEPTED.0, ACCEPTED.1);
                }
                if let Some(matched) = response.extensions().get::<MatchedMethod>() {
                    normalized.extensions_mut().insert(matched.clone());
                }
                normalized
            })
        };
        inner.call(request).map(normalize).boxed()
    }
}

/// Returns the error to send instead of a library's response.
fn replacement_error(response: &Response, uri: &Uri, grpc: bool) -> Option<Error> {
    let headers = response.headers();
    if response.status() != StatusCode::OK {
        return if headers.contains_key(CONTENT_TYPE) {
            None
        } else {
            error_for_http_status(response.status(), uri, grpc)
        };
    }
    if !headers.contains_key(Status::GRPC_STATUS) || headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return None;
    }
    let status = Status::from_header_map(headers)?;
    if status.code() == Code::Unimplemented && status.message().is_empty() {
        return Some(unknown_method(uri));
    }
    from_tonic_status(&status)
}

/// Returns Groundplan's error for tonic's error about a request's messages; none if the status is about something else.
pub fn from_tonic_status(status: &Status) -> Option<Error> {
    let message = status.message();
    match status.code() {
        Code::OutOfRange if message.contains("message length too large") => Some(too_large(message)),
        Code::ResourceExhausted if message.contains("decompress") => Some(too_large(message)),
        Code::Internal if message.starts_with("failed to decode Protobuf message") => Some(Error::new(
            Reason::MalformedRequest,
            "the request is not a valid message of the method; encode it with the method's .proto, which server reflection returns",
        )),
        Code::Internal if message.starts_with("Error decompressing") => Some(Error::new(
            Reason::FrameInvalid,
            "the compressed flag of the message is set, but its data is not gzip; compress it as grpc-encoding says, or send \
             the flag 0",
        )),
        Code::Unimplemented if message.starts_with("Content is compressed with") => Some(Error::new(
            Reason::EncodingNotSupported,
            "the compression of this grpc-encoding is not supported; send gzip or identity",
        )),
        _ => None,
    }
}

/// Returns the error for an HTTP status without a body.
fn error_for_http_status(status: StatusCode, uri: &Uri, grpc: bool) -> Option<Error> {
    let path = uri.path();
    match status {
        StatusCode::NOT_FOUND if grpc => Some(unknown_method(uri)),
        StatusCode::NOT_FOUND => Some(Error::new(
            Reason::PathNotFound,
            format!(
                "{path} does not exist; /api/openapi.json lists the paths, and gRPC calls need the content type application/grpc"
            ),
        )),
        StatusCode::METHOD_NOT_ALLOWED => {
            Some(Error::new(Reason::MethodUnknown, format!("{path} does not support this HTTP method")))
        }
        _ => None,
    }
}

/// Returns the envelope of a 405, with the methods that axum lists.
fn method_not_allowed(error: &Error, response: &Response) -> Response {
    let mut normalized = envelope(error, Some((StatusCode::METHOD_NOT_ALLOWED, "UNIMPLEMENTED"))).map(Body::new);
    if let Some(allow) = response.headers().get(ALLOW) {
        normalized.headers_mut().insert(ALLOW, allow.clone());
    }
    normalized
}

fn unknown_method(uri: &Uri) -> Error {
    let method = uri.path().trim_start_matches('/');
    Error::new(
        Reason::MethodUnknown,
        format!("the method {method} does not exist; server reflection lists the methods"),
    )
}

/// tonic's message has the limit at its end, or before `bytes, exceeded`.
fn too_large(message: &str) -> Error {
    let prefix = message.split("exceeded").next().unwrap_or_default();
    let limit = prefix.split(|letter: char| !letter.is_ascii_digit()).rfind(|digits| !digits.is_empty());
    let limit = limit.map_or_else(String::new, |limit| format!(" than {limit} bytes"));
    Error::new(Reason::TooLarge, format!("a message of the request is larger{limit}; split it up, or raise the limit"))
}
