//! The layers between the socket and the routes, the same for gRPC, gRPC-Web and REST.

mod allow;
mod authenticate;
mod budget;
mod deadline;
mod failed_attempts;
mod key;
mod load_shed;
mod measure;
mod message_frames;
mod middleware;
mod normalize_errors;
mod panics;
mod trace;
mod web;

pub use allow::Allow;
pub use authenticate::Authenticate;
pub use budget::Budgets;
pub use deadline::Deadline;
pub use failed_attempts::LIMITS;
pub use key::RootKey;
pub use load_shed::LoadShed;
pub use measure::Measure;
pub use message_frames::{ValidateFrames, is_client_streaming};
pub use middleware::{Layered, Middleware};
pub use normalize_errors::{NormalizeErrors, from_tonic_status};
pub use panics::CatchPanics;
pub use trace::Trace;
pub use web::Web;

use crate::settings::{AllowList, ServerSettings};
use axum::Router;
use groundplan_budget::Memory;
use std::convert::Infallible;
use tonic::body::Body;
use tonic::service::Routes;
use tower::{Service, ServiceExt};
use tracing::Instrument as _;

/// A request in the layers.
pub type Request = http::Request<Body>;

/// A response in the layers.
pub type Response = http::Response<Body>;

/// The service inside a layer. It always returns a response.
pub trait InnerService:
    Service<Request, Response = Response, Error = Infallible, Future: Send + 'static> + Clone + Send + 'static
{
}

impl<S> InnerService for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static> + Clone + Send + 'static
{
}

/// Wraps the mounted routes in all layers. `allow` is the allow list with mutual TLS; requests reserve their memory from
/// `memory`. A request passes the layers from the bottom to the top of this function.
pub fn stack(
    router: Router,
    key: RootKey,
    allow: Option<AllowList>,
    memory: Memory,
    settings: &ServerSettings,
) -> Router {
    // The caller is authenticated here; the rest is the call's own work.
    let routed = |answer: <Routes as Service<Request>>::Future| answer.instrument(tracing::debug_span!("router"));
    let service = ServiceExt::<Request>::map_future(Routes::from(router).prepare(), routed);
    // Innermost: rejects invalid frames that the libraries below accept.
    let service = Layered::new(service, ValidateFrames);
    // A rejected call costs only a look at its headers, and the routes get the caller.
    let service = Layered::new(service, Authenticate::new(key, settings.trusted_proxies.clone()));
    // Check the calling service before its credentials.
    let service = Layered::new(service, Allow::new(allow));
    // The deadline covers everything inside, and drops it, including running statements.
    let service =
        Layered::new(service, Deadline::new(Some(settings.request_timeout), Budgets::new(&settings.budgets, memory)));
    // Outside of the expensive layers, so that a rejected call costs nothing.
    let service = Layered::new(service, LoadShed::new(settings.max_calls));
    // Responses of the libraries inside get Groundplan's codes and details.
    let service = Layered::new(service, NormalizeErrors);
    // A panic inside becomes a response, and the process continues.
    let service = Layered::new(service, CatchPanics);
    // Inside there is only gRPC and REST; the errors of these layers are translated like other responses.
    let service = Web::new(service);
    // Rejected calls are counted, too.
    let service = Layered::new(service, Measure::with_telemetry());
    // Outermost: every response, including errors, belongs to the request's span and is logged once.
    let service = Layered::new(service, Trace::new(settings.slow_call));
    Router::new()
        .fallback_service(service.map_request(|request: http::Request<axum::body::Body>| request.map(Body::new)))
}

/// Wraps routes only in the layers for messages, without callers and deadlines: for tests of a single service.
pub fn message_layers(router: Router) -> Router {
    let service = Layered::new(Layered::new(Routes::from(router).prepare(), ValidateFrames), NormalizeErrors);
    Router::new()
        .fallback_service(service.map_request(|request: http::Request<axum::body::Body>| request.map(Body::new)))
}

#[cfg(test)]
mod tests;
