//! Gives the answers of the libraries our codes, words and details.
//!
//! tonic blames the server (INTERNAL) for bytes that are not the message, says OUT_OF_RANGE of a message that is too
//! large, and nothing at all about a method that does not exist; axum's 404 has no body. Our own answers always carry
//! details, so whatever has none is a library's.

use super::{InnerService, Request, Response};
use crate::respond::{error_response, is_grpc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use groundplan_call::MatchedMethod;
use groundplan_call::envelope;
use groundplan_error::{Error, Reason};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use std::convert::Infallible;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

/// What a call's messages may be compressed by, as gRPC says it.
const ACCEPTED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("grpc-accept-encoding"), HeaderValue::from_static("identity,gzip"));

/// The layer.
#[derive(Clone)]
pub struct NormalizeErrors<S> {
    inner: S,
}

impl<S> NormalizeErrors<S> {
    /// Rewords the answers of `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: InnerService> Service<Request> for NormalizeErrors<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
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
        self.inner.call(request).map(normalize).boxed()
    }
}

/// What should have been said, if it was not.
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

/// What tonic should have said of a request's messages; none if the status is about something else.
pub fn from_tonic_status(status: &Status) -> Option<Error> {
    let message = status.message();
    match status.code() {
        Code::OutOfRange if message.contains("message length too large") => Some(too_large(message)),
        Code::ResourceExhausted if message.contains("decompress") => Some(too_large(message)),
        Code::Internal if message.starts_with("failed to decode Protobuf message") => Some(Error::new(
            Reason::MalformedRequest,
            "the request is not the method's message; encode it by the method's own .proto, which server reflection has",
        )),
        Code::Internal if message.starts_with("Error decompressing") => Some(Error::new(
            Reason::FrameInvalid,
            "the compressed flag of the message is set, but its data is not gzip; compress it by grpc-encoding, or send the flag 0",
        )),
        Code::Unimplemented if message.starts_with("Content is compressed with") => Some(Error::new(
            Reason::EncodingNotSupported,
            "messages compressed by this grpc-encoding are not read; send gzip or identity",
        )),
        _ => None,
    }
}

/// The words for an HTTP status that came alone.
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
            Some(Error::new(Reason::MethodUnknown, format!("{path} does not take this HTTP method")))
        }
        _ => None,
    }
}

/// The envelope of a 405, with the methods that axum lists.
fn method_not_allowed(error: &Error, response: &Response) -> Response {
    let mut normalized = envelope(error, Some((StatusCode::METHOD_NOT_ALLOWED, "UNIMPLEMENTED"))).map(Body::new);
    if let Some(allow) = response.headers().get(ALLOW) {
        normalized.headers_mut().insert(ALLOW, allow.clone());
    }
    normalized
}

fn unknown_method(uri: &Uri) -> Error {
    let method = uri.path().trim_start_matches('/');
    Error::new(Reason::MethodUnknown, format!("there is no method {method}; server reflection lists what there is"))
}

/// tonic's words end in the limit, or have it before `bytes, exceeded`.
fn too_large(message: &str) -> Error {
    let words = message.split("exceeded").next().unwrap_or_default();
    let limit = words.split(|letter: char| !letter.is_ascii_digit()).rfind(|digits| !digits.is_empty());
    let limit = limit.map_or_else(String::new, |limit| format!(" than {limit} bytes"));
    Error::new(Reason::TooLarge, format!("a message of the request is larger{limit}; split it up, or raise the limit"))
}
