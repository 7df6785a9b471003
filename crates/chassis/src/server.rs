//! Serves a router on a listener, over HTTP/1.1 and HTTP/2, with mutual TLS or without, and stops in bounded time.

mod answers;
mod connection;
mod frames;
mod greeting;
mod guard;
mod peers;
mod tls;

use crate::settings::ServerSettings;
use crate::tls::Tls;
use axum::Router;
use connection::{Connection, Shared};
use groundplan_error::Error;
use opentelemetry::KeyValue;
use opentelemetry::global::meter;
use opentelemetry::metrics::Counter;
pub(crate) use peers::network;
use peers::{Full, Peers};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long to wait before accepting again when the process has run out of something (file descriptors, memory).
const BACK_OFF: Duration = Duration::from_millis(100);

/// The address at the other end of a connection: an extension of each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallerAddress(pub(crate) IpAddr);

/// How serving has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that outlived the grace period, and were cut.
    pub cut: usize,
}

/// Serves `router` until `stop`; then takes no more connections, tells clients to go elsewhere, gives open calls the
/// grace period, and cuts what is left. With `tls`, each request has the [`PeerName`](crate::tls::PeerName) of its caller as
/// an extension.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<Tls>>,
    stop: CancellationToken,
    settings: &ServerSettings,
) -> Result<Drained, Error> {
    let peers = Peers::new(settings.max_connections, settings.max_connections_per_address);
    let refused = observe(&peers);
    accept(listener, Shared::new(router, tls, stop, settings), (peers, Some(refused)), settings.drain_grace).await
}

/// The same for those who run the process: metrics tell of the connections of callers.
pub(crate) async fn serve_operators(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    settings: &ServerSettings,
) -> Result<Drained, Error> {
    let peers = Peers::new(settings.max_connections, settings.max_connections_per_address);
    accept(listener, Shared::new(router, None, stop, settings), (peers, None), settings.drain_grace).await
}

/// Serves what all connections share. Those that are refused are counted, if they are to be.
async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    (peers, refused): (Arc<Peers>, Option<Counter<u64>>),
    grace: Duration,
) -> Result<Drained, Error> {
    let stop = shared.stop.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
            // Ended connections are forgotten as they end.
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => match peers.admit(peer.ip()) {
                Ok(place) => {
                    connections.spawn(
                        Connection { shared: shared.clone(), place, address: CallerAddress(peer.ip()) }.serve(stream),
                    );
                }
                Err(full) => refuse(stream, full, refused.as_ref()),
            },
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                sleep(BACK_OFF).await;
            }
        }
    }
    drop(listener);
    tracing::info!(connections = connections.len(), ?grace, "stopping: open calls may finish");
    let finished = async { while connections.join_next().await.is_some() {} };
    if timeout(grace, finished).await.is_ok() {
        return Ok(Drained { cut: 0 });
    }
    let cut = connections.len();
    tracing::warn!(connections = cut, "the grace period is over: open connections are cut");
    connections.shutdown().await;
    Ok(Drained { cut })
}

/// Closes a connection for which there is no room. Nobody who does so on purpose gets an answer, or a line in the log.
fn refuse(stream: TcpStream, full: Full, refused: Option<&Counter<u64>>) {
    if let Some(refused) = refused {
        refused.add(1, &[KeyValue::new("reason", full.name())]);
    }
    // A reset: nothing of it is kept, and the client need not wait for it to say more.
    let _ = stream.set_zero_linger();
}

/// The metrics of connections; gives the one of those that were refused.
fn observe(peers: &Arc<Peers>) -> Counter<u64> {
    let meter = meter("groundplan");
    let open = Arc::downgrade(peers);
    let _ = meter
        .u64_observable_gauge("groundplan.connections.open")
        .with_description("Connections that are open.")
        .with_callback(move |gauge| {
            if let Some(peers) = open.upgrade() {
                gauge.observe(peers.count() as u64, &[]);
            }
        })
        .build();
    meter
        .u64_counter("groundplan.connections.refused")
        .with_description("Connections that were refused because there were too many: in all, or of one address.")
        .build()
}

/// Whether accepting failed because of the one who connects, and not of us.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
