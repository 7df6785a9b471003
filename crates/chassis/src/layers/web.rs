//! gRPC-Web. tonic's layer returns 400 for every other HTTP/1.1 request, including REST, so the content type selects the calls
//! for it.

use super::{InnerService, Request, Response};
use crate::respond::RequestProtocol;
use futures_util::future::Either;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use std::convert::Infallible;
use std::task::{Context, Poll};
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer as _, Service};

/// The layer.
#[derive(Clone)]
pub struct Web<S> {
    plain: S,
    web: GrpcWebService<S>,
}

impl<S: Clone> Web<S> {
    /// Translates gRPC-Web to gRPC for `inner`, and the responses back.
    pub fn new(inner: S) -> Self {
        Self { plain: inner.clone(), web: GrpcWebLayer::new().layer(inner) }
    }
}

impl<S: InnerService> Service<Request> for Web<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, <GrpcWebService<S> as Service<Request>>::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        std::task::ready!(self.plain.poll_ready(context))?;
        Service::<Request>::poll_ready(&mut self.web, context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match RequestProtocol::from_headers(request.headers()) {
            RequestProtocol::Web(content_type) => {
                request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
                Either::Right(self.web.call(request))
            }
            _ => Either::Left(self.plain.call(request)),
        }
    }
}
