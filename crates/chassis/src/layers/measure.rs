//! Counts calls, and measures the time until their responses start.

use super::{InnerService, Middleware, Request, Response};
use crate::telemetry::exemplars::EXEMPLARS;
use crate::telemetry::{is_measured, sampled_context};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use groundplan_call::{ErrorCode, MatchedMethod};
use opentelemetry::KeyValue;
use opentelemetry::global::meter;
use opentelemetry::metrics::{Counter, Histogram};
use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;
use tonic::{Code, Status};
use tracing::Span;

/// Upper bounds, in seconds.
const DURATION_BUCKETS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The label for unknown methods.
const UNKNOWN_METHOD: Cow<'static, str> = Cow::Borrowed("other");

/// The layer.
#[derive(Clone)]
pub struct Measure {
    /// None if nobody collects metrics.
    meters: Option<Arc<Meters>>,
}

struct Meters {
    calls: Counter<u64>,
    seconds: Histogram<f64>,
    in_flight: Arc<AtomicI64>,
}

impl Measure {
    /// Creates the layer. It measures if telemetry has started with a consumer of metrics.
    pub fn with_telemetry() -> Self {
        Self { meters: is_measured().then(|| Arc::new(Meters::new())) }
    }
}

impl Meters {
    fn new() -> Self {
        let (meter, in_flight) = (meter("groundplan"), Arc::new(AtomicI64::new(0)));
        let observed = in_flight.clone();
        meter
            .i64_observable_gauge("groundplan.calls.in_flight")
            .with_description("Calls waiting for their responses to start")
            .with_callback(move |gauge| gauge.observe(observed.load(Ordering::Relaxed), &[]))
            .build();
        let calls = meter.u64_counter("groundplan.calls").with_description("Finished calls").build();
        let seconds = meter
            .f64_histogram("groundplan.call.duration")
            .with_description("Time until the responses of calls started")
            .with_unit("s")
            .with_boundaries(DURATION_BUCKETS.to_vec())
            .build();
        Self { calls, seconds, in_flight }
    }

    fn record(&self, response: &Response, seconds: f64) {
        let code = response_code(response);
        let matched = response.extensions().get::<MatchedMethod>();
        // A service also returns this code for methods that it does not have.
        let (service, method) = match matched {
            Some(matched) if code == Code::Unimplemented => (matched.service.clone(), UNKNOWN_METHOD),
            Some(matched) => (matched.service.clone(), matched.method.clone()),
            None => (UNKNOWN_METHOD, UNKNOWN_METHOD),
        };
        // Copy the labels only for calls of sampled traces.
        if let Some(trace) = sampled_context(&Span::current()) {
            EXEMPLARS.record(
                (service.clone(), method.clone()),
                DURATION_BUCKETS,
                seconds,
                trace.trace_id().to_string(),
            );
        }
        let labels = [
            KeyValue::new("service", service),
            KeyValue::new("method", method),
            KeyValue::new("code", code_name(code)),
        ];
        self.calls.add(1, &labels);
        let [service, method, _] = labels;
        self.seconds.record(seconds, &[service, method]);
    }
}

/// Counts a call while it waits, even if it is dropped.
struct InFlight(Arc<AtomicI64>);

impl InFlight {
    fn start(count: &Arc<AtomicI64>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<S: InnerService> Middleware<S> for Measure {
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn handle(&self, inner: &mut S, request: Request) -> Self::Future {
        let call = inner.call(request);
        let Some(meters) = self.meters.clone() else { return call.boxed() };
        let (started, in_flight) = (Instant::now(), InFlight::start(&meters.in_flight));
        async move {
            let response = call.await?;
            drop(in_flight);
            meters.record(&response, started.elapsed().as_secs_f64());
            Ok(response)
        }
        .boxed()
    }
}

/// Returns the code of a response, as far as its headers have it: a stream that fails later counts as OK.
pub(super) fn response_code(response: &Response) -> Code {
    if let Some(code) = response.headers().get(Status::GRPC_STATUS) {
        return Code::from_bytes(code.as_bytes());
    }
    match response.extensions().get::<ErrorCode>() {
        Some(ErrorCode(code)) => (*code).into(),
        None if response.status().is_server_error() => Code::Internal,
        None if response.status().is_client_error() => Code::InvalidArgument,
        None => Code::Ok,
    }
}

/// Returns the name of a code as in gRPC.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
