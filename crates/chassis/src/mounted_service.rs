//! The parts of a service that the process runs.

use axum::Router;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryFutureExt as _};
use groundplan_call::MatchedMethod;
use std::convert::Infallible;
use std::task::{Context, Poll};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{Service, ServiceExt as _};

/// A service that can be served.
#[derive(Debug)]
pub struct MountedService {
    /// The routes. At most one router of a process has a fallback.
    pub router: Router,
    /// The names of the gRPC services, for health checks.
    pub names: Vec<&'static str>,
    /// The service is ready when all of these are true.
    pub ready: Vec<watch::Receiver<bool>>,
    /// Background tasks. Dropping the set stops them.
    pub tasks: JoinSet<()>,
}

/// Returns the routes of a generated gRPC server, without a fallback. Its responses carry a [`MatchedMethod`].
pub fn grpc_routes<S>(service: S) -> Router
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let path = format!("/{}/{{*method}}", S::NAME);
    let service = service.map_request(|request: http::Request<axum::body::Body>| request.map(Body::new));
    Router::new().route_service(&path, TaggedService { service, name: S::NAME })
}

/// A gRPC server that adds the called method to its responses.
#[derive(Clone)]
struct TaggedService<S> {
    service: S,
    name: &'static str,
}

impl<S> Service<http::Request<axum::body::Body>> for TaggedService<S>
where
    S: Service<http::Request<axum::body::Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<axum::body::Body>) -> Self::Future {
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let matched = MatchedMethod::new(self.name, method);
        self.service
            .call(request)
            .map_ok(|mut response| {
                response.extensions_mut().insert(matched);
                response
            })
            .boxed()
    }
}
