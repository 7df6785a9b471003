//! What a service crate gives to the process that runs it.

use axum::Router;
use std::convert::Infallible;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{Service, ServiceExt as _};

/// A service, ready to be served.
#[derive(Debug)]
pub struct Mounted {
    /// Its routes. At most one mounted router has a fallback.
    pub router: Router,
    /// The names of its gRPC services, for health checks.
    pub names: Vec<&'static str>,
    /// Whether it can answer. It stays true through short troubles that callers had better see as errors.
    pub ready: watch::Receiver<bool>,
    /// What it does besides answering. Dropping the set stops it.
    pub tasks: JoinSet<()>,
}

/// The routes of a generated gRPC server, without a fallback.
pub fn grpc<S>(service: S) -> Router
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
    Router::new()
        .route_service(&path, service.map_request(|request: http::Request<axum::body::Body>| request.map(Body::new)))
}
