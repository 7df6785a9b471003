//! Authenticates callers by the root principal's key. Only health checks that respond immediately are open.

use super::failed_attempts::FailedAttempts;
use super::{InnerService, Middleware, Request, Response, RootKey};
use crate::respond::{error_response, is_grpc};
use crate::settings::Networks;
use futures_util::future::{Either, Ready, ready};
use groundplan_identity::Principal;
use std::convert::Infallible;
use std::sync::Arc;

/// Checks whether a path needs no credentials. A watch needs them, because the server must keep it open.
pub(super) fn is_open(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/grpc.health.v1.Health/Check")
}

/// The layer.
#[derive(Clone)]
pub struct Authenticate {
    key: RootKey,
    failed_attempts: Arc<FailedAttempts>,
}

impl Authenticate {
    /// Passes on calls that carry `key`, as [`Principal::root`]. For failed calls, `proxies` are trusted to name the
    /// address of the caller.
    pub fn new(key: RootKey, proxies: Networks) -> Self {
        Self { key, failed_attempts: Arc::new(FailedAttempts::new(proxies)) }
    }
}

impl<S: InnerService> Middleware<S> for Authenticate {
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn handle(&self, inner: &mut S, mut request: Request) -> Self::Future {
        if !is_open(request.uri().path()) {
            if let Err(refusal) = self.key.check(request.headers()) {
                let error = self.failed_attempts.failed(&request, refusal);
                return Either::Right(ready(Ok(error_response(&error, is_grpc(request.headers())))));
            }
            request.extensions_mut().insert(Principal::root());
        }
        Either::Left(inner.call(request))
    }
}
