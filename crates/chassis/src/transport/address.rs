//! One address of a peer: a connection that opens when it is first used, and again whenever it is lost.

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

/// How long an address has to say how it is.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// A stream to a peer, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// How a peer's certificate is held against the name that it was called by.
#[derive(Clone, Debug)]
pub(super) struct Verification {
    pub(super) tls: Arc<Tls>,
    pub(super) name: ServerName<'static>,
    /// What its certificate calls it, by a URI `spiffe://groundplan/<name>`; none where anybody of the authority's will do.
    pub(super) peer: Option<&'static str>,
}

/// How an address is. Calls go to those of the least worth avoiding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Availability {
    /// It can answer calls, as far as is known.
    Serving,
    /// It is there, but starts or stops.
    NotReady,
    /// Nobody is there.
    Unreachable,
}

impl Availability {
    fn from_number(number: u8) -> Self {
        [Self::Serving, Self::NotReady].into_iter().find(|one| *one as u8 == number).unwrap_or(Self::Unreachable)
    }
}

/// A name of a peer, and how its certificate is held against it.
#[derive(Debug)]
pub(super) struct PeerHost {
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) verification: Option<Verification>,
}

/// An address of a peer.
#[derive(Debug)]
pub(super) struct Address {
    /// Whose address it is.
    pub(super) host: Arc<PeerHost>,
    pub(super) socket: SocketAddr,
    pub(super) channel: Channel,
    /// How it was when it was last asked.
    availability: AtomicU8,
}

impl Address {
    /// The address `socket` of a peer. Nothing is opened yet.
    pub(super) fn new(endpoint: &Endpoint, host: Arc<PeerHost>, socket: SocketAddr) -> Self {
        let verification = host.verification.clone();
        let connector = service_fn(move |_: Uri| {
            let verification = verification.clone();
            async move { connect(socket, verification).await.map(TokioIo::new) }
        });
        let channel = endpoint.connect_with_connector_lazy(connector);
        Self { host, socket, channel, availability: AtomicU8::new(Availability::Serving as u8) }
    }

    /// How it is, as far as is known.
    pub(super) fn availability(&self) -> Availability {
        Availability::from_number(self.availability.load(Ordering::Acquire))
    }

    /// Notes that a call found nobody here.
    pub(super) fn mark_unreachable(&self) {
        self.availability.store(Availability::Unreachable as u8, Ordering::Release);
    }

    /// Asks whether it can answer calls, and notes the answer. A server that is starting or stopping says that it cannot.
    pub(super) async fn probe(&self) {
        let check = async { HealthClient::new(self.channel.clone()).check(HealthCheckRequest::default()).await };
        let now = match timeout(PROBE_TIMEOUT, check).await {
            Ok(Ok(response)) if response.get_ref().status() == ServingStatus::Serving => Availability::Serving,
            Ok(Ok(_)) => Availability::NotReady,
            // Something that has no health to tell of, and answers.
            Ok(Err(status)) if status.code() == tonic::Code::Unimplemented => Availability::Serving,
            Ok(Err(_)) | Err(_) => Availability::Unreachable,
        };
        if self.availability.swap(now as u8, Ordering::AcqRel) != now as u8 {
            tracing::info!(address = %self.socket, ?now, "an address of a peer has changed");
        }
    }
}

/// Opens a connection. The endpoint's own time-out bounds it.
async fn connect(socket: SocketAddr, verification: Option<Verification>) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(socket).await?;
    // Requests are written whole, so waiting for more to send along only delays them.
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

/// Makes sure that a peer is who it should be: a host's name says where a service is, and not which.
fn check_peer_name(actual: Option<PeerName>, expected: Option<&str>) -> io::Result<()> {
    let actual = actual.as_ref().map(PeerName::as_str);
    match expected {
        Some(expected) if actual != Some(expected) => {
            let actual = actual.map_or("no service of ours".to_owned(), |name| format!("{name:?}"));
            let message = format!("the peer's certificate names {actual}, and not spiffe://groundplan/{expected}");
            tracing::error!(message, "a peer is not who it should be, and is not called");
            Err(io::Error::new(io::ErrorKind::InvalidData, message))
        }
        _ => Ok(()),
    }
}
