//! Liveness and readiness of the process: `grpc.health.v1`, `/livez`, `/readyz`.

mod service;

pub use service::MAX_WATCHES;

use crate::mounted_service::{MountedService, grpc_routes};
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::health_server::HealthServer;

/// The readiness of a mounted service.
#[derive(Clone)]
struct ServiceReadiness {
    names: Vec<&'static str>,
    ready: Vec<watch::Receiver<bool>>,
}

/// The readiness of all services, shared by the routes.
#[derive(Clone)]
struct HealthState {
    services: Vec<ServiceReadiness>,
    stop: CancellationToken,
}

/// Returns the routes for health checks of `services`. After `stop` nothing is ready, so that callers use other processes while
/// open calls finish.
pub async fn mount(services: &[MountedService], stop: CancellationToken) -> MountedService {
    let services: Vec<ServiceReadiness> = services
        .iter()
        .map(|mounted| ServiceReadiness { names: mounted.names.clone(), ready: mounted.ready.clone() })
        .collect();
    let state = HealthState { services, stop };
    let statuses = watch::Sender::new(state.statuses());
    let (ready, receiver) = watch::channel(state.not_ready().is_empty());
    let server = HealthServer::new(service::Health::new(state.clone(), statuses.subscribe()));
    let mut tasks = JoinSet::new();
    tasks.spawn(publish_changes(state.clone(), statuses, ready));
    let router = Router::new()
        .route("/livez", get(|| async { json_response(StatusCode::OK, r#"{"status":"ok"}"#.to_owned()) }))
        .route("/readyz", get(readiness))
        .with_state(state)
        .merge(grpc_routes(server));
    MountedService { router, names: vec!["grpc.health.v1.Health"], ready: vec![receiver], tasks }
}

/// Publishes changes of readiness.
async fn publish_changes(state: HealthState, statuses: watch::Sender<Vec<bool>>, ready: watch::Sender<bool>) {
    // A service whose channel has closed counts as not ready.
    let (changed, mut changes) = watch::channel(());
    let mut watching = JoinSet::new();
    for ready in state.services.iter().flat_map(|service| &service.ready) {
        let (mut ready, changed) = (ready.clone(), changed.clone());
        watching.spawn(async move {
            while ready.changed().await.is_ok() {
                changed.send_replace(());
            }
            changed.send_replace(());
        });
    }
    loop {
        send_if_changed(&statuses, state.statuses());
        send_if_changed(&ready, state.not_ready().is_empty());
        tokio::select! {
            _ = changes.changed() => {}
            () = state.stop.cancelled() => break,
        }
    }
    send_if_changed(&statuses, state.statuses());
    send_if_changed(&ready, false);
}

/// Sends a value if it differs from the last one.
fn send_if_changed<T: PartialEq>(sender: &watch::Sender<T>, value: T) {
    sender.send_if_modified(|last| {
        let is_new = *last != value;
        *last = value;
        is_new
    });
}

impl HealthState {
    /// Returns whether each service is ready.
    fn statuses(&self) -> Vec<bool> {
        self.services.iter().map(|service| self.is_ready(service)).collect()
    }

    /// Returns whether a gRPC service is ready, or all of them for the empty name; none if the service does not exist.
    fn status(&self, name: &str) -> Option<bool> {
        if name.is_empty() {
            return Some(!self.stop.is_cancelled() && self.not_ready().is_empty());
        }
        let service = self.services.iter().find(|service| service.names.contains(&name));
        service.map(|service| self.is_ready(service))
    }

    fn is_ready(&self, service: &ServiceReadiness) -> bool {
        let mut ready = service.ready.iter();
        !self.stop.is_cancelled() && ready.all(|ready| *ready.borrow() && ready.has_changed().is_ok())
    }

    /// Returns the services that are not ready.
    fn not_ready(&self) -> Vec<&'static str> {
        let services = self.services.iter().filter(|service| !self.is_ready(service));
        services.flat_map(|service| service.names.iter().copied()).collect()
    }
}

async fn readiness(State(state): State<HealthState>) -> impl IntoResponse {
    let waiting = state.not_ready();
    if waiting.is_empty() && !state.stop.is_cancelled() {
        return json_response(StatusCode::OK, r#"{"status":"ok"}"#.to_owned());
    }
    let status = if state.stop.is_cancelled() { "stopping" } else { "unavailable" };
    // Service names need no JSON escapes.
    let names: Vec<String> = waiting.iter().map(|name| format!("\"{name}\"")).collect();
    json_response(
        StatusCode::SERVICE_UNAVAILABLE,
        format!(r#"{{"status":"{status}","notReady":[{}]}}"#, names.join(",")),
    )
}

fn json_response(status: StatusCode, json: String) -> (StatusCode, [(http::HeaderName, HeaderValue); 1], String) {
    (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], json)
}

#[cfg(test)]
mod tests {
    use super::mount;
    use crate::mounted_service::MountedService;
    use axum::Router;
    use http::Request;
    use http_body_util::BodyExt as _;
    use tokio::sync::watch;
    use tokio::task::JoinSet;
    use tokio_util::sync::CancellationToken;
    use tonic_health::pb::health_client::HealthClient;
    use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
    use tower::ServiceExt as _;

    fn service(name: &'static str, ready: watch::Receiver<bool>) -> MountedService {
        MountedService { router: Router::new(), names: vec![name], ready: vec![ready], tasks: JoinSet::new() }
    }

    async fn readyz(router: &Router) -> (u16, String) {
        let request = Request::get("/readyz").body(axum::body::Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    async fn check(router: &Router, service: &str) -> ServingStatus {
        let mut client = HealthClient::new(crate::transport::local(router.clone()));
        client.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap().into_inner().status()
    }

    #[tokio::test]
    async fn readiness_follows_the_services() {
        let ((a, a_ready), (b, b_ready)) = (watch::channel(true), watch::channel(false));
        let stop = CancellationToken::new();
        let mut health = mount(&[service("a.A", a_ready), service("b.B", b_ready)], stop.clone()).await;
        assert_eq!(readyz(&health.router).await, (503, r#"{"status":"unavailable","notReady":["b.B"]}"#.to_owned()));
        assert_eq!(check(&health.router, "a.A").await, ServingStatus::Serving);
        assert_eq!(check(&health.router, "").await, ServingStatus::NotServing);

        b.send_replace(true);
        health.ready[0].wait_for(|ready| *ready).await.unwrap();
        assert_eq!(readyz(&health.router).await, (200, r#"{"status":"ok"}"#.to_owned()));
        assert_eq!(check(&health.router, "").await, ServingStatus::Serving);

        drop(b);
        health.ready[0].wait_for(|ready| !*ready).await.unwrap();
        assert_eq!(readyz(&health.router).await.0, 503, "a service whose channel has closed is not ready");

        stop.cancel();
        assert!(readyz(&health.router).await.1.contains("stopping"));
        while health.tasks.join_next().await.is_some() {}
        assert_eq!(check(&health.router, "a.A").await, ServingStatus::NotServing);
        drop(a);
    }
}
