//! The adapter that wraps a service in a layer.

use super::{InnerService, Request, Response};
use std::convert::Infallible;
use std::task::{Context, Poll};
use tower::Service;

/// A layer: what it does with a request, around the inner service.
pub trait Middleware<S: InnerService>: Clone + Send + 'static {
    /// The future of the response.
    type Future: Future<Output = Result<Response, Infallible>> + Send + 'static;

    /// Handles a request. `inner` is ready.
    fn handle(&self, inner: &mut S, request: Request) -> Self::Future;
}

/// A service in a layer.
#[derive(Clone)]
pub struct Layered<S, M> {
    inner: S,
    middleware: M,
}

impl<S, M> Layered<S, M> {
    /// Wraps `inner` in a layer.
    pub fn new(inner: S, middleware: M) -> Self {
        Self { inner, middleware }
    }
}

impl<S: InnerService, M: Middleware<S>> Service<Request> for Layered<S, M> {
    type Response = Response;
    type Error = Infallible;
    type Future = M::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> M::Future {
        self.middleware.handle(&mut self.inner, request)
    }
}
