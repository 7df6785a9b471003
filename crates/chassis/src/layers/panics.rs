//! Converts a panic to INTERNAL: the caller gets an id to report, the log has the cause, and the process continues.

use super::{InnerService, Middleware, Request, Response};
use crate::respond::{error_response, is_grpc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use groundplan_error::Error;
use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;

/// The layer.
#[derive(Clone)]
pub struct CatchPanics;

impl<S: InnerService> Middleware<S> for CatchPanics {
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn handle(&self, inner: &mut S, request: Request) -> Self::Future {
        let grpc = is_grpc(request.headers());
        // The instance that was polled for readiness makes the call.
        let fresh = inner.clone();
        let mut inner = std::mem::replace(inner, fresh);
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
