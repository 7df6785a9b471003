//! Lets in who has the root principal's key. Nothing but health is open.

use super::{Inner, Request, Response};
use crate::principal::{Principal, refusal};
use crate::respond::{is_grpc, refuse};
use crate::settings::Secret;
use futures_util::future::{Either, Ready, ready};
use groundplan_error::{Error, Reason};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest as _, Sha256};
use std::convert::Infallible;
use std::task::{Context, Poll};
use subtle::ConstantTimeEq as _;
use tower::Service;

/// The root principal's key, as its digest: comparing digests takes the same time whatever was sent.
#[derive(Clone)]
pub struct RootKey {
    digest: [u8; 32],
}

impl RootKey {
    /// Takes the key that callers must send.
    pub fn new(key: &Secret) -> Result<Self, Error> {
        if key.expose().is_empty() || !key.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "API_KEY must be visible ASCII without spaces; `openssl rand -hex 32` makes a good one";
            return Err(Error::new(Reason::CredentialsInvalid, message));
        }
        Ok(Self { digest: Sha256::digest(key.expose()).into() })
    }

    /// Checks a call's credentials.
    fn check(&self, headers: &HeaderMap) -> Result<(), Error> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or_else(|| refusal("no credentials were sent"))?;
        if values.next().is_some() {
            return Err(refusal("several authorization headers were sent"));
        }
        // Whatever is wrong with what was sent, the answer is the same.
        let wrong = || refusal("the credentials are not valid");
        let (scheme, key) = value.as_bytes().split_at_checked("Bearer ".len()).ok_or_else(wrong)?;
        if !scheme.eq_ignore_ascii_case(b"Bearer ") {
            return Err(wrong());
        }
        let digest: [u8; 32] = Sha256::digest(key.trim_ascii()).into();
        if bool::from(digest.ct_eq(&self.digest)) { Ok(()) } else { Err(wrong()) }
    }
}

/// Whether a path is open to everybody.
pub(super) fn is_open(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz") || path.starts_with("/grpc.health.v1.Health/")
}

/// The layer.
#[derive(Clone)]
pub struct Authenticate<S> {
    inner: S,
    key: RootKey,
}

impl<S> Authenticate<S> {
    /// Lets calls that carry `key` through to `inner`, as [`Principal::root`].
    pub fn new(inner: S, key: RootKey) -> Self {
        Self { inner, key }
    }
}

impl<S: Inner> Service<Request> for Authenticate<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if !is_open(request.uri().path()) {
            if let Err(error) = self.key.check(request.headers()) {
                return Either::Right(ready(Ok(refuse(&error, is_grpc(request.headers())))));
            }
            request.extensions_mut().insert(Principal::root());
        }
        Either::Left(self.inner.call(request))
    }
}
