//! Authenticates callers by the root principal's key. Only health checks that respond immediately are open.

use super::failed_attempts::FailedAttempts;
use super::{InnerService, Request, Response, RootKey};
use crate::respond::{error_response, is_grpc};
use crate::settings::Networks;
use futures_util::future::{Either, Ready, ready};
use groundplan_identity::Principal;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::Service;

/// Checks whether a path needs no credentials. A watch needs them, because the server must keep it open.
pub(super) fn is_open(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/grpc.health.v1.Health/Check")
}

/// The layer.
#[derive(Clone)]
pub struct Authenticate<S> {
    inner: S,
    key: RootKey,
    failed_attempts: Arc<FailedAttempts>,
}

impl<S> Authenticate<S> {
    /// Passes calls that carry `key` to `inner`, as [`Principal::root`]. For failed calls, `proxies` are trusted to name the
    /// address of the caller.
    pub fn new(inner: S, key: RootKey, proxies: Networks) -> Self {
        Self { inner, key, failed_attempts: Arc::new(FailedAttempts::new(proxies)) }
    }
}

impl<S: InnerService> Service<Request> for Authenticate<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if !is_open(request.uri().path()) {
            if let Err(refusal) = self.key.check(request.headers()) {
                let error = self.failed_attempts.failed(&request, refusal);
                return Either::Right(ready(Ok(error_response(&error, is_grpc(request.headers())))));
            }
            request.extensions_mut().insert(Principal::root());
        }
        Either::Left(self.inner.call(request))
    }
}
