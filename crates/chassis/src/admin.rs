//! The admin port: health and metrics without credentials. It exposes no records and no callers.

mod openmetrics;

use crate::mounted_service::MountedService;
use crate::server;
use crate::settings::{AdminSettings, ServerSettings};
use crate::telemetry::exemplars::EXEMPLARS;
use axum::Router;
use axum::routing::get;
use groundplan_error::{Error, Reason};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use prometheus::{Encoder as _, Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Binds the admin port, if one is set.
pub async fn listen(settings: &AdminSettings) -> Result<Option<TcpListener>, Error> {
    let Some(port) = settings.admin_port else { return Ok(None) };
    let address = (settings.admin_listen, port);
    TcpListener::bind(address).await.map(Some).map_err(|error| {
        let message = format!(
            "cannot listen on {}:{port}: {error}; set GROUNDPLAN_ADMIN_PORT and GROUNDPLAN_ADMIN_LISTEN",
            settings.admin_listen
        );
        Error::new(Reason::NotReady, message)
    })
}

/// Serves the health and the metrics of a process until `stop`.
pub fn serve(
    listener: TcpListener,
    health: &MountedService,
    registry: Registry,
    stop: CancellationToken,
    settings: &ServerSettings,
) -> impl Future<Output = Result<(), Error>> + Send + 'static {
    let settings = settings.clone();
    let router = Router::new()
        .route("/metrics", get(move |headers: HeaderMap| async move { metrics(&registry, &headers) }))
        .merge(health.router.clone())
        .fallback(|| async { (StatusCode::NOT_FOUND, "available paths: /livez, /readyz and /metrics\n") });
    async move { server::serve_operators(listener, router, stop, &settings).await.map(drop) }
}

/// Returns the metrics as OpenMetrics, with exemplars, if the request accepts that (Prometheus does), otherwise in Prometheus's
/// text format (0.0.4).
fn metrics(registry: &Registry, headers: &HeaderMap) -> (StatusCode, [(http::HeaderName, HeaderValue); 1], Vec<u8>) {
    let accepts = headers.get(ACCEPT).and_then(|accepts| accepts.to_str().ok()).unwrap_or_default();
    if accepts.contains("application/openmetrics-text") {
        let text = openmetrics::format(&registry.gather(), &EXEMPLARS);
        return (
            StatusCode::OK,
            [(CONTENT_TYPE, HeaderValue::from_static(openmetrics::CONTENT_TYPE))],
            text.into_bytes(),
        );
    }
    let mut text = Vec::new();
    let encoder = TextEncoder::new();
    let status = match encoder.encode(&registry.gather(), &mut text) {
        Ok(()) => StatusCode::OK,
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    (status, [(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"))], text)
}
