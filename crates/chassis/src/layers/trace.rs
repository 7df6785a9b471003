//! A span for each request, and one log line for each failure of the server.

use super::{InnerService, Middleware, Request, Response};
use crate::respond::is_grpc;
use crate::telemetry;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use groundplan_call::Cause;
use groundplan_call::MatchedMethod;
use groundplan_call::context::{self, CallContext, SlowStatement};
use groundplan_error::{Error, Reason};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::convert::Infallible;
use std::error::Error as _;
use std::time::{Duration, Instant};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tracing::field::Empty;
use tracing::{Instrument as _, Level, Span};

/// Identifies a request in responses and logs. Envoy or this layer sets it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The duration of a REST call.
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The layer.
#[derive(Clone)]
pub struct Trace {
    /// The threshold of slow calls, which are logged.
    slow: Duration,
}

impl Trace {
    /// Traces calls, and logs failures of the server and calls that take longer than `slow`, unless that is zero.
    pub fn new(slow: Duration) -> Self {
        Self { slow: if slow.is_zero() { Duration::MAX } else { slow } }
    }
}

impl<S: InnerService> Middleware<S> for Trace {
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn handle(&self, inner: &mut S, request: Request) -> Self::Future {
        let started = Instant::now();
        let id = request_id(request.headers());
        let span = tracing::info_span!(
            "request",
            otel.name = request.uri().path(),
            otel.kind = "server",
            method = %request.method(),
            path = request.uri().path(),
            request_id = id.to_str().unwrap_or_default(),
            trace_id = Empty,
            rpc.system = Empty,
            rpc.service = Empty,
            rpc.method = Empty,
            status = Empty,
        );
        telemetry::set_parent_from_headers(&span, request.headers());
        let trace = telemetry::trace_id(&span, request.headers());
        if let Some(trace) = &trace {
            span.record("trace_id", trace);
        }
        if is_grpc(request.headers()) {
            span.record("rpc.system", "grpc");
        }
        let name = trace.unwrap_or_else(|| id.to_str().unwrap_or_default().to_owned());
        let context = CallContext::new(name, self.slow);
        let scoped = context.clone();
        let slow = self.slow;
        let is_probe = request.uri().path() == "/readyz";
        let call = span.in_scope(|| inner.call(request));
        let answered = move |outcome: Result<Response, Infallible>| {
            outcome.map(|mut response| {
                let took = started.elapsed();
                record_outcome(&response, &context, took, is_probe, slow);
                response.headers_mut().insert(REQUEST_ID, id);
                match response.headers().contains_key(Status::GRPC_STATUS_DETAILS) {
                    true => add_request_info(&mut response, &context.name),
                    false => add_server_timing(&mut response, &context, took),
                }
                response
            })
        };
        context::scope(scoped, call).map(answered).instrument(span).boxed()
    }
}

/// Returns the request's id if it is valid, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let received =
        headers.get(REQUEST_ID).filter(|id| id.len() <= 64 && id.as_bytes().iter().all(u8::is_ascii_graphic));
    received.cloned().unwrap_or_else(|| {
        let id = format!("{:032x}", rand::random::<u128>());
        HeaderValue::from_str(&id).expect("hexadecimal digits are a valid header value")
    })
}

/// Adds the id of the call to the details of a gRPC status. The REST envelope already has it.
fn add_request_info(response: &mut Response, call_id: &str) {
    let Some(status) = Status::from_header_map(response.headers()) else { return };
    let mut details = status.get_error_details();
    details.set_request_info(call_id, "");
    let status = Status::with_error_details(status.code(), status.message(), details);
    if let Ok(value) = HeaderValue::try_from(STANDARD_NO_PAD.encode(status.details())) {
        response.headers_mut().insert(Status::GRPC_STATUS_DETAILS, value);
    }
}

/// Adds the time until the response of a REST call started (Server Timing, W3C), in milliseconds: waiting for a database
/// connection, in statements, and in total.
fn add_server_timing(response: &mut Response, context: &CallContext, took: Duration) {
    let is_grpc =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    if is_grpc {
        return;
    }
    let [queue, database, total] = [context.waited(), context.ran(), took].map(|time| time.as_secs_f64() * 1e3);
    let timing = format!("queue;dur={queue:.3}, db;dur={database:.3}, total;dur={total:.3}");
    if let Ok(value) = HeaderValue::try_from(timing) {
        response.headers_mut().insert(SERVER_TIMING, value);
    }
}

/// Records the outcome in the span, and logs failures of the server and slow calls.
fn record_outcome(response: &Response, context: &CallContext, took: Duration, is_probe: bool, slow: Duration) {
    if let Some(MatchedMethod { service, method }) = response.extensions().get() {
        Span::current().record("rpc.service", &**service).record("rpc.method", &**method);
    }
    let is_slow = took > slow;
    let code = response.headers().get(Status::GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes()));
    let status = code.map_or_else(|| response.status().to_string(), |code| format!("{code:?}"));
    Span::current().record("status", &status);
    let took = took.as_micros();
    let level = if is_frame_error(response) { Level::DEBUG } else { severity(code, response.status(), is_probe) };
    match level {
        Level::ERROR => tracing::error!(status, took_us = took, cause = error_cause(response), "a call failed"),
        Level::WARN => tracing::warn!(status, took_us = took, cause = error_cause(response), "a call was rejected"),
        _ if is_slow => log_slow_call(context, &status, took),
        _ => tracing::debug!(status, took_us = took, "a call finished"),
    }
}

/// Logs where the time of a slow call went.
fn log_slow_call(context: &CallContext, status: &str, took_us: u128) {
    let (waited_us, statements_us) = (context.waited().as_micros(), context.ran().as_micros());
    match context.slowest() {
        Some(SlowStatement { text: statement, took, plan }) => {
            let statement_us = took.as_micros();
            tracing::warn!(status, took_us, waited_us, statements_us, statement_us, statement, plan, "a slow call");
        }
        None => tracing::warn!(status, took_us, waited_us, statements_us, "a slow call"),
    }
}

/// Checks whether the error is about an invalid frame. gRPC requires INTERNAL for it, but it is an error of the client.
fn is_frame_error(response: &Response) -> bool {
    if response.headers().get(Status::GRPC_STATUS).is_none_or(|code| code != "13") {
        return false;
    }
    let error = Status::from_header_map(response.headers()).and_then(|status| Error::of_status(&status));
    error.is_some_and(|error| error.reason() == Reason::FrameInvalid)
}

/// Returns the log level of an outcome. "Not ready" is a normal response to a probe.
fn severity(code: Option<Code>, status: StatusCode, is_probe: bool) -> Level {
    match (code, status) {
        (Some(Code::Internal | Code::Unknown | Code::DataLoss), _) | (None, StatusCode::INTERNAL_SERVER_ERROR) => {
            Level::ERROR
        }
        (None, StatusCode::SERVICE_UNAVAILABLE) if is_probe => Level::DEBUG,
        (Some(Code::Unavailable), _) | (None, StatusCode::SERVICE_UNAVAILABLE) => Level::WARN,
        _ => Level::DEBUG,
    }
}

/// Returns the cause of an error for the log: it travels with the response, as [`Cause`] or as the source of tonic's status.
pub(super) fn error_cause(response: &Response) -> String {
    if let Some(Cause(cause)) = response.extensions().get() {
        return cause.clone();
    }
    let Some(status) = response.extensions().get::<Status>() else { return String::new() };
    match status.source().and_then(|source| source.downcast_ref::<groundplan_error::Error>()) {
        Some(error) => error.log_text(),
        None => status.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_frame_error, severity};
    use groundplan_error::{Error, Reason};
    use http::StatusCode;
    use tonic::Code;
    use tracing::Level;

    #[test]
    fn an_invalid_frame_is_not_a_failure_of_the_server() {
        let answer = |reason| crate::respond::error_response(&Error::new(reason, "words"), true);
        assert!(is_frame_error(&answer(Reason::FrameInvalid)));
        assert!(!is_frame_error(&answer(Reason::Internal)) && !is_frame_error(&answer(Reason::MessageCount)));
    }

    #[test]
    fn a_probe_of_an_unready_service_is_not_a_failure() {
        let away = StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(severity(None, away, true), Level::DEBUG);
        assert_eq!(severity(None, away, false), Level::WARN);
        assert_eq!(severity(Some(Code::Unavailable), StatusCode::OK, false), Level::WARN);
        assert_eq!(severity(None, StatusCode::INTERNAL_SERVER_ERROR, true), Level::ERROR);
        assert_eq!(severity(Some(Code::NotFound), StatusCode::OK, false), Level::DEBUG);
    }
}
