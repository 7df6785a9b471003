//! What stands between the socket and the routes, the same for gRPC, gRPC-Web and REST.

mod allow;
mod authenticate;
mod budget;
mod deadline;
mod failed_attempts;
mod key;
mod load_shed;
mod measure;
mod message_frames;
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

/// A request as every layer sees it.
pub type Request = http::Request<Body>;

/// A response as every layer sees it.
pub type Response = http::Response<Body>;

/// What a layer stands around: it answers always, be it with an error.
pub trait InnerService:
    Service<Request, Response = Response, Error = Infallible, Future: Send + 'static> + Clone + Send + 'static
{
}

impl<S> InnerService for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static> + Clone + Send + 'static
{
}

/// Puts all layers around the mounted routes; `allow` says who may call what, where there is mutual TLS, and requests hold their
/// part of `memory`. Read it from the bottom: that is the way of a request.
pub fn stack(
    router: Router,
    key: RootKey,
    allow: Option<AllowList>,
    memory: Memory,
    settings: &ServerSettings,
) -> Router {
    // The caller is known and let in: from here on it is the call's own work.
    let routed = |answer: <Routes as Service<Request>>::Future| answer.instrument(tracing::debug_span!("router"));
    let service = ServiceExt::<Request>::map_future(Routes::from(router).prepare(), routed);
    // Innermost: what the libraries below would let pass of a request's frames.
    let service = ValidateFrames::new(service);
    // A refused call has cost a look at its headers, and the routes know who calls.
    let service = Authenticate::new(service, key, settings.trusted_proxies.clone());
    // Which service calls, before whose credentials it brings.
    let service = Allow::new(service, allow);
    // Everything below spends the caller's time, and is dropped, statements and all, when that is over.
    let service = Deadline::new(service, Some(settings.request_timeout), Budgets::new(&settings.budgets, memory));
    // Before anything is looked at: what is turned away costs nothing.
    let service = LoadShed::new(service, settings.max_calls);
    // Answers of the libraries below get our codes and details, whichever of them answered.
    let service = NormalizeErrors::new(service);
    // A panic of anything below is an answer like others, and the process lives.
    let service = CatchPanics::new(service);
    // Below this everything is gRPC or REST; what the layers there refuse is translated like any other answer.
    let service = Web::new(service);
    // What is turned away and what is refused counts, too.
    let service = Measure::new(service);
    // Outermost: every answer, refusals included, is part of the request's span and is logged once.
    let service = Trace::new(service, settings.slow_call);
    Router::new()
        .fallback_service(service.map_request(|request: http::Request<axum::body::Body>| request.map(Body::new)))
}

/// The layers around routes that know messages, and nothing of callers and time: for tests of a service by itself.
pub fn message_layers(router: Router) -> Router {
    let service = NormalizeErrors::new(ValidateFrames::new(Routes::from(router).prepare()));
    Router::new()
        .fallback_service(service.map_request(|request: http::Request<axum::body::Body>| request.map(Body::new)))
}

#[cfg(test)]
mod tests;
