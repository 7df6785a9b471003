//! One address of a peer: a connection that opens when it is first used, and again after it is lost.

use crate::tls::{PeerName, Tls};
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::service_fn;

/// The timeout of a health check of an address.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// A stream to a peer, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// How a peer's certificate is verified.
#[derive(Clone, Debug)]
pub(super) struct Verification {
    pub(super) tls: Arc<Tls>,
    pub(super) name: ServerName<'static>,
    /// The name that the certificate must have, by a URI `spiffe://groundplan/<name>`; none if any certificate of the authority
    /// is sufficient.
    pub(super) peer: Option<&'static str>,
}

/// The availability of an address. Calls go to the addresses with the smallest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Availability {
    /// It serves calls, as far as is known.
    Serving,
    /// It responds, but is starting or stopping.
    NotReady,
    /// It does not respond.
    Unreachable,
}

impl Availability {
    fn from_number(number: u8) -> Self {
        [Self::Serving, Self::NotReady].into_iter().find(|one| *one as u8 == number).unwrap_or(Self::Unreachable)
    }
}

/// A host name of a peer, and how its certificate is verified.
#[derive(Debug)]
pub(super) struct PeerHost {
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) verification: Option<Verification>,
}

/// An address of a peer.
#[derive(Debug)]
pub(super) struct Address {
    /// The host that the address belongs to.
    pub(super) host: Arc<PeerHost>,
    pub(super) socket: SocketAddr,
    pub(super) channel: Channel,
    /// The availability at the last check.
    availability: AtomicU8,
}

impl Address {
    /// Creates the address `socket` of a peer without opening a connection.
    pub(super) fn new(endpoint: &Endpoint, host: Arc<PeerHost>, socket: SocketAddr) -> Self {
        let verification = host.verification.clone();
        let connector = service_fn(move |_: Uri| {
            let verification = verification.clone();
            async move { connect(socket, verification).await.map(TokioIo::new) }
        });
        let channel = endpoint.connect_with_connector_lazy(connector);
        Self { host, socket, channel, availability: AtomicU8::new(Availability::Serving as u8) }
    }

    /// Returns the last known availability.
    pub(super) fn availability(&self) -> Availability {
        Availability::from_number(self.availability.load(Ordering::Acquire))
    }

    /// Records that a call could not connect.
    pub(super) fn mark_unreachable(&self) {
        self.availability.store(Availability::Unreachable as u8, Ordering::Release);
    }

    /// Checks and records the availability. A server that is starting or stopping is not ready.
    pub(super) async fn probe(&self) {
        let check = async { HealthClient::new(self.channel.clone()).check(HealthCheckRequest::default()).await };
        let now = match timeout(PROBE_TIMEOUT, check).await {
            Ok(Ok(response)) if response.get_ref().status() == ServingStatus::Serving => Availability::Serving,
            Ok(Ok(_)) => Availability::NotReady,
            // A server without a health service.
            Ok(Err(status)) if status.code() == tonic::Code::Unimplemented => Availability::Serving,
            Ok(Err(_)) | Err(_) => Availability::Unreachable,
        };
        if self.availability.swap(now as u8, Ordering::AcqRel) != now as u8 {
            tracing::info!(address = %self.socket, ?now, "the availability of a peer's address has changed");
        }
    }
}

/// Opens a connection. The endpoint's timeout limits it.
async fn connect(socket: SocketAddr, verification: Option<Verification>) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(socket).await?;
    // Requests are written as a whole, so Nagle's algorithm would only delay them.
    stream.set_nodelay(true)?;
    match verification {
        None => Ok(Box::new(stream)),
        Some(Verification { tls, name, peer }) => {
            let stream = TlsConnector::from(tls.client_config()).connect(name, stream).await?;
            let certificates = stream.get_ref().1.peer_certificates();
            check_peer_name(certificates.and_then(|chain| chain.first()).and_then(PeerName::from_certificate), peer)?;
            Ok(Box::new(stream))
        }
    }
}

/// Checks the identity of a peer: a host name shows where a service is, and not which one it is.
fn check_peer_name(actual: Option<PeerName>, expected: Option<&str>) -> io::Result<()> {
    let actual = actual.as_ref().map(PeerName::as_str);
    match expected {
        Some(expected) if actual != Some(expected) => {
            let actual = actual.map_or("no service".to_owned(), |name| format!("{name:?}"));
            let message = format!("the peer's certificate names {actual} instead of spiffe://groundplan/{expected}");
            tracing::error!(message, "a peer has the wrong identity, and is not called");
            Err(io::Error::new(io::ErrorKind::InvalidData, message))
        }
        _ => Ok(()),
    }
}
