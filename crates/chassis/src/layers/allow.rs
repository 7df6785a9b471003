//! The allow list: which services can call which methods, by the names in their certificates.

use super::authenticate::is_open;
use super::{InnerService, Middleware, Request, Response};
use crate::respond::{error_response, is_grpc};
use crate::settings::AllowList;
use crate::tls::PeerName;
use futures_util::future::Either;
use groundplan_error::{Error, Reason};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;

/// The layer. Without a list, which means without mutual TLS, all calls are allowed.
#[derive(Clone)]
pub struct Allow {
    list: Option<Arc<AllowList>>,
}

impl Allow {
    /// Passes allowed calls on. Every caller with a valid certificate can check the health.
    pub fn new(list: Option<AllowList>) -> Self {
        Self { list: list.map(Arc::new) }
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

impl<S: InnerService> Middleware<S> for Allow {
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn handle(&self, inner: &mut S, request: Request) -> Self::Future {
        if let Some(list) = &self.list
            && !is_open(request.uri().path())
            && let Err(error) = check(list, request.extensions().get(), request.uri().path())
        {
            return Either::Right(ready(Ok(error_response(&error, is_grpc(request.headers())))));
        }
        Either::Left(inner.call(request))
    }
}
