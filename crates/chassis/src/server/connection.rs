//! One connection, from its first byte to its end.

use super::connection_limits::ConnectionPermit;
use super::guarded_stream::{BodyTraffic, GuardedStream};
use super::response_body::CountedBody;
use super::{CallerAddress, protocol_detection, tls};
use crate::settings::ServerSettings;
use crate::tls::{PeerName, Tls};
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// The maximum number of calls on a connection that were reset before they were accepted; more close the connection. h2's default
/// of 20 is for one client. Envoy multiplexes the calls of all clients, and a few with short deadlines would disconnect the
/// others. Envoy stops rapid resets of attackers; this still limits them.
const PENDING_RESETS: usize = 2_000;

/// The state that all connections share.
pub(super) struct ConnectionContext {
    builder: Builder<TokioExecutor>,
    router: Router,
    tls: Option<Arc<Tls>>,
    pub(super) stop: CancellationToken,
    greeting_timeout: Duration,
    stall_timeout: Duration,
    age: Duration,
    age_grace: Duration,
}

impl ConnectionContext {
    pub(super) fn new(
        router: Router,
        tls: Option<Arc<Tls>>,
        stop: CancellationToken,
        settings: &ServerSettings,
    ) -> Arc<Self> {
        Arc::new(Self {
            builder: builder(settings),
            router,
            tls,
            stop,
            greeting_timeout: settings.header_timeout,
            stall_timeout: settings.stall_timeout,
            age: settings.connection_age,
            age_grace: settings.connection_age_grace,
        })
    }

    /// Runs a step before the first request; returns none if it takes too long or the server stops.
    async fn with_greeting_timeout<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            outcome = timeout(self.greeting_timeout, step) => outcome.ok(),
            () = self.stop.cancelled() => None,
        }
    }

    /// Waits until a connection must end. Returns how long its calls can still take; none if the server enforces that itself.
    async fn until_shutdown(&self, traffic: Option<&BodyTraffic>) -> Option<Duration> {
        // Jitter, so that connections opened together do not end together.
        let age = async {
            match self.age {
                Duration::ZERO => std::future::pending().await,
                age => sleep(age.mul_f64(rand::random::<f64>() / 5.0 + 0.9)).await,
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => None,
            () = age => Some(self.age_grace),
            () = self.until_stalled(traffic) => Some(self.stall_timeout),
        }
    }

    /// Waits until a client has read nothing of pending data for a while.
    async fn until_stalled(&self, traffic: Option<&BodyTraffic>) {
        let Some(traffic) = traffic else { return std::future::pending().await };
        let mut before = None;
        loop {
            sleep(self.stall_timeout).await;
            let now = traffic.sent_while_pending();
            if now.is_some() && now == before {
                return;
            }
            before = now;
        }
    }
}

/// A connection. It counts against the limits until it ends.
pub(super) struct Connection {
    pub(super) shared: Arc<ConnectionContext>,
    pub(super) permit: ConnectionPermit,
    pub(super) address: CallerAddress,
}

impl Connection {
    /// Serves a connection until it ends. Most connections end because the client disconnects.
    pub(super) async fn serve(self, stream: TcpStream) {
        // Responses are written as a whole, so Nagle's algorithm would only delay them.
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.shared.tls.clone() else { return self.serve_stream(stream, None).await };
        match self.shared.with_greeting_timeout(tls::accept(&tls, stream)).await {
            Some(Ok((stream, peer_name))) => self.serve_stream(stream, peer_name).await,
            Some(Err(error)) if tls::is_refusal(&error) => tracing::warn!(%error, "a TLS handshake failed"),
            Some(Err(error)) => tracing::debug!(%error, "a caller disconnected during the TLS handshake"),
            None => tracing::debug!("a TLS handshake was not finished in time"),
        }
    }

    /// Serves the requests of a stream, with the name in the client's certificate.
    async fn serve_stream<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self,
        stream: S,
        peer_name: Option<PeerName>,
    ) {
        let Self { shared, permit, address } = self;
        let Some(Ok(stream)) = shared.with_greeting_timeout(protocol_detection::detect(stream)).await else {
            tracing::debug!("a connection sent nothing, and was closed");
            return;
        };
        let is_http2 = stream.is_http2();
        let (stream, traffic) = GuardedStream::new(stream, is_http2, shared.stall_timeout);
        let counted = traffic.clone();
        let service = shared.router.clone().map_request(move |mut request: http::Request<_>| {
            request.extensions_mut().insert(address);
            if let Some(peer_name) = &peer_name {
                request.extensions_mut().insert(peer_name.clone());
            }
            request
        });
        let service =
            service.map_response(move |response| response.map(|body| CountedBody::new(body, counted.clone())));
        let connection = shared.builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            grace = shared.until_shutdown(traffic.as_deref()) => {
                connection.as_mut().graceful_shutdown();
                match grace {
                    None => connection.as_mut().await,
                    Some(grace) => match timeout(grace, connection.as_mut()).await {
                        Ok(ended) => ended,
                        Err(_) => return tracing::debug!(?grace, "a connection was closed after its maximum age"),
                    },
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error, "a connection ended early");
        }
        drop(permit);
    }
}

/// Returns the protocol settings and limits of a connection.
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
