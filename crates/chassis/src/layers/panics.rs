//! Converts a panic to INTERNAL: the caller gets an id to report, the log has the cause, and the process continues.

use super::{InnerService, Request, Response};
use crate::respond::{error_response, is_grpc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use groundplan_error::Error;
use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll};
use tower::Service;

/// The layer.
#[derive(Clone)]
pub struct CatchPanics<S> {
    inner: S,
}

impl<S> CatchPanics<S> {
    /// Catches panics of `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: InnerService> Service<Request> for CatchPanics<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let grpc = is_grpc(request.headers());
        // The instance that was polled for readiness makes the call.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let call = async move { inner.call(request).await };
        // Incomplete state is dropped with the call; shared state uses locks that survive a panic.
        let call = AssertUnwindSafe(call).catch_unwind();
        call.map(move |outcome| {
            outcome.unwrap_or_else(|panic| {
                Ok(error_response(
                    &Error::internal(format!("a handler panicked: {}", panic_message(panic.as_ref()))),
                    grpc,
                ))
            })
        })
        .boxed()
    }
}

/// Returns the message of a panic.
fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}
