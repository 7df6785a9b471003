//! The allow list: which services can call which methods, by the names in their certificates.

use super::authenticate::is_open;
use super::{InnerService, Request, Response};
use crate::respond::{error_response, is_grpc};
use crate::settings::AllowList;
use crate::tls::PeerName;
use futures_util::future::Either;
use groundplan_error::{Error, Reason};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::Service;

/// The layer. Without a list, which means without mutual TLS, all calls are allowed.
#[derive(Clone)]
pub struct Allow<S> {
    inner: S,
    list: Option<Arc<AllowList>>,
}

impl<S> Allow<S> {
    /// Passes allowed calls to `inner`. Every caller with a valid certificate can check the health.
    pub fn new(inner: S, list: Option<AllowList>) -> Self {
        Self { inner, list: list.map(Arc::new) }
    }
}

/// Checks a call against the list.
fn check(list: &AllowList, caller: Option<&PeerName>, path: &str) -> Result<(), Error> {
    let refusal = match caller {
        Some(caller) if list.allows(caller.as_str(), path) => return Ok(()),
        Some(caller) => {
            format!(
                "{:?} is not allowed to call {path}: add it to GROUNDPLAN_TLS_ALLOW of this service",
                caller.as_str()
            )
        }
        None => format!(
            "the caller's certificate names no service by a URI spiffe://groundplan/<name>, so it is not allowed to call {path}"
        ),
    };
    Err(Error::new(Reason::PermissionDenied, refusal))
}

impl<S: InnerService> Service<Request> for Allow<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if let Some(list) = &self.list
            && !is_open(request.uri().path())
            && let Err(error) = check(list, request.extensions().get(), request.uri().path())
        {
            return Either::Right(ready(Ok(error_response(&error, is_grpc(request.headers())))));
        }
        Either::Left(self.inner.call(request))
    }
}
