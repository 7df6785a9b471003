//! Serves a router on a listener, over HTTP/1.1 and HTTP/2, with or without mutual TLS, and stops in bounded time.

mod connection;
mod connection_limits;
mod guarded_stream;
mod http2_frames;
mod protocol_detection;
mod response_body;
mod tls;

use crate::settings::ServerSettings;
use crate::tls::Tls;
use axum::Router;
use connection::{Connection, ConnectionContext};
pub(crate) use connection_limits::client_network;
use connection_limits::{ConnectionLimit, ConnectionLimits};
use groundplan_error::Error;
use opentelemetry::KeyValue;
use opentelemetry::global::meter;
use opentelemetry::metrics::Counter;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// The delay before accepting again when the process is out of resources (file descriptors, memory).
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// The address of the client, an extension of each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallerAddress(pub(crate) IpAddr);

/// The result of serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were closed after the grace period.
    pub cut: usize,
}

/// Serves `router` until `stop`; then rejects new connections, asks clients to reconnect elsewhere, gives open calls the grace
/// period, and closes the rest. With `tls`, each request has the [`PeerName`](crate::tls::PeerName) of its caller as an
/// extension.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<Tls>>,
    stop: CancellationToken,
    settings: &ServerSettings,
) -> Result<Drained, Error> {
    let limits = ConnectionLimits::new(settings.max_connections, settings.max_connections_per_address);
    let refused = register_metrics(&limits);
    accept(listener, ConnectionContext::new(router, tls, stop, settings), limits, Some(refused), settings.drain_grace)
        .await
}

/// Serves the admin port, without metrics of its connections.
pub(crate) async fn serve_operators(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    settings: &ServerSettings,
) -> Result<Drained, Error> {
    let limits = ConnectionLimits::new(settings.max_connections, settings.max_connections_per_address);
    accept(listener, ConnectionContext::new(router, None, stop, settings), limits, None, settings.drain_grace).await
}

/// Accepts connections. Rejected ones are counted in `refused`, if it is set.
async fn accept(
    listener: TcpListener,
    shared: Arc<ConnectionContext>,
    limits: Arc<ConnectionLimits>,
    refused: Option<Counter<u64>>,
    grace: Duration,
) -> Result<Drained, Error> {
    let stop = shared.stop.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
            // Reap finished connections.
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => match limits.admit(peer.ip()) {
                Ok(permit) => {
                    connections.spawn(
                        Connection { shared: shared.clone(), permit, address: CallerAddress(peer.ip()) }.serve(stream),
                    );
                }
                Err(limit) => reject(stream, limit, refused.as_ref()),
            },
            Err(error) if is_peer_error(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    drop(listener);
    tracing::info!(connections = connections.len(), ?grace, "stopping: open calls can finish");
    let finished = async { while connections.join_next().await.is_some() {} };
    if timeout(grace, finished).await.is_ok() {
        return Ok(Drained { cut: 0 });
    }
    let cut = connections.len();
    tracing::warn!(connections = cut, "the grace period has expired: open connections are closed");
    connections.shutdown().await;
    Ok(Drained { cut })
}

/// Closes a connection beyond the limits, without a response or a log line: a flood must cost nothing.
fn reject(stream: TcpStream, limit: ConnectionLimit, refused: Option<&Counter<u64>>) {
    if let Some(refused) = refused {
        refused.add(1, &[KeyValue::new("reason", limit.name())]);
    }
    // With a reset nothing remains, and the client does not wait for a response.
    let _ = stream.set_zero_linger();
}

/// Registers the metrics of connections; returns the counter of rejected ones.
fn register_metrics(limits: &Arc<ConnectionLimits>) -> Counter<u64> {
    let meter = meter("groundplan");
    let open = Arc::downgrade(limits);
    let _ = meter
        .u64_observable_gauge("groundplan.connections.open")
        .with_description("Connections that are open.")
        .with_callback(move |gauge| {
            if let Some(limits) = open.upgrade() {
                gauge.observe(limits.count() as u64, &[]);
            }
        })
        .build();
    meter
        .u64_counter("groundplan.connections.refused")
        .with_description("Connections rejected because there were too many, in total or from one address.")
        .build()
}

/// Checks whether accepting failed because of the client.
fn is_peer_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
