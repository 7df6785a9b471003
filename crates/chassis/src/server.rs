//! Serves a router on a listener, over HTTP/1.1 and HTTP/2, with mutual TLS or without, and stops in bounded time.

mod greeting;
mod tls;

use crate::settings::ServerSettings;
use crate::tls::{PeerName, Tls};
use axum::Router;
use groundplan_error::Error;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// How long to wait before accepting again when the process has run out of something (file descriptors, memory).
const BACK_OFF: Duration = Duration::from_millis(100);

/// How serving has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that outlived the grace period, and were cut.
    pub cut: usize,
}

/// Serves `router` until `stop`; then takes no more connections, tells clients to go elsewhere, gives open calls the
/// grace period, and cuts what is left. With `tls`, each request has the [`PeerName`] of its caller as an extension.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<Tls>>,
    stop: CancellationToken,
    settings: &ServerSettings,
) -> Result<Drained, Error> {
    let builder = Arc::new(builder(settings));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
            // Ended connections are forgotten as they end.
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _peer)) => {
                let connection = Connection {
                    builder: Arc::clone(&builder),
                    router: router.clone(),
                    tls: tls.clone(),
                    watcher: graceful.watcher(),
                    stop: stop.clone(),
                    greeting_timeout: settings.header_timeout,
                };
                connections.spawn(connection.serve(stream));
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                sleep(BACK_OFF).await;
            }
        }
    }
    drop(listener);
    tracing::info!(connections = connections.len(), grace = ?settings.drain_grace, "stopping: open calls may finish");
    let finished = async {
        graceful.shutdown().await;
        while connections.join_next().await.is_some() {}
    };
    if timeout(settings.drain_grace, finished).await.is_ok() {
        return Ok(Drained { cut: 0 });
    }
    let cut = connections.len();
    tracing::warn!(connections = cut, "the grace period is over: open connections are cut");
    connections.shutdown().await;
    Ok(Drained { cut })
}

/// What one connection needs.
struct Connection {
    builder: Arc<Builder<TokioExecutor>>,
    router: Router,
    tls: Option<Arc<Tls>>,
    watcher: Watcher,
    stop: CancellationToken,
    greeting_timeout: Duration,
}

impl Connection {
    /// Serves a connection to its end. How it ends is the client's business: most just go away.
    async fn serve(self, stream: TcpStream) {
        // Answers are written whole, so waiting for more to send along only delays them.
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.tls.clone() else { return self.answer(stream, None).await };
        match self.in_time(tls::accept(&tls, stream)).await {
            Some(Ok((stream, caller))) => self.answer(stream, caller).await,
            Some(Err(error)) if tls::is_refusal(&error) => tracing::warn!(%error, "a TLS handshake failed"),
            Some(Err(error)) => tracing::debug!(%error, "a caller went away in the TLS handshake"),
            None => tracing::debug!("a TLS handshake was not finished in time"),
        }
    }

    /// Answers what comes over a stream, by the caller whose certificate was shown.
    async fn answer<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S, caller: Option<PeerName>) {
        let Some(Ok(stream)) = self.in_time(greeting::read(stream)).await else {
            tracing::debug!("a connection said nothing, and was closed");
            return;
        };
        let router = self.router.map_request(move |mut request: http::Request<_>| {
            if let Some(caller) = &caller {
                request.extensions_mut().insert(caller.clone());
            }
            request
        });
        let service = TowerToHyperService::new(router);
        let connection = self.builder.serve_connection(TokioIo::new(stream), service).into_owned();
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(error, "a connection ended early");
        }
    }

    /// The outcome of a step that comes before the first request; none if it takes too long or we stop.
    async fn in_time<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            outcome = timeout(self.greeting_timeout, step) => outcome.ok(),
            () = self.stop.cancelled() => None,
        }
    }
}

/// How many calls that were given up before they were looked at one connection may hold, before it is cut off. h2's own limit
/// of 20 is for one client; Envoy carries those of all clients on one connection, and a few with short deadlines would cut
/// off the others. An attacker's rapid resets are Envoy's to stop, and are bounded here still.
const PENDING_RESETS: usize = 2_000;

/// The limits of a connection.
fn builder(settings: &ServerSettings) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let headers = usize::try_from(settings.max_headers).unwrap_or(usize::MAX);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_buf_size(headers.max(8_192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.max_streams)
        .max_header_list_size(settings.max_headers)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .keep_alive_interval(settings.keepalive_interval)
        .keep_alive_timeout(settings.keepalive_timeout);
    builder
}

/// Whether accepting failed because of the one who connects, and not of us.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
