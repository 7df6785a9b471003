//! rustls connections for tokio-postgres.

use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, SHA_1_WITH_RSA_ENCRYPTION, SHA_256_WITH_RSA_ENCRYPTION,
    SHA_384_WITH_RSA_ENCRYPTION, SHA_512_WITH_RSA_ENCRYPTION,
};

/// Opens connections with a configuration.
#[derive(Clone)]
pub(in super::super) struct Connector {
    config: Option<Arc<ClientConfig>>,
}

impl Connector {
    pub(super) fn new(config: Arc<ClientConfig>) -> Self {
        Self { config: Some(config) }
    }

    /// Creates a connector for connections without TLS.
    pub(super) fn without_tls() -> Self {
        Self { config: None }
    }
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Stream;
    type TlsConnect = HostConnector;
    type Error = Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<HostConnector, Infallible> {
        Ok(HostConnector { config: self.config.clone(), host: host.to_owned() })
    }
}

/// Opens connections to one host.
pub(in super::super) struct HostConnector {
    config: Option<Arc<ClientConfig>>,
    host: String,
}

impl TlsConnect<Socket> for HostConnector {
    type Stream = Stream;
    type Error = HandshakeError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, HandshakeError>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let config = self.config.ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
            let name = ServerName::try_from(self.host).map_err(io::Error::other)?;
            Ok(Stream(TlsConnector::from(config).connect(name, socket).await?))
        })
    }
}

/// The error of a TLS handshake.
#[derive(Debug)]
pub(in super::super) struct HandshakeError(io::Error);

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// An encrypted connection.
pub(in super::super) struct Stream(tokio_rustls::client::TlsStream<Socket>);

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        let certificate = self.0.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        certificate.and_then(server_end_point).map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

/// Returns the channel binding of a password to the server's certificate, `tls-server-end-point` of RFC 5929; none where it is
/// undefined, as for Ed25519.
fn server_end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    const SHA_256: &[ObjectIdentifier] = &[SHA_1_WITH_RSA_ENCRYPTION, SHA_256_WITH_RSA_ENCRYPTION, ECDSA_WITH_SHA_256];
    const SHA_384: &[ObjectIdentifier] = &[SHA_384_WITH_RSA_ENCRYPTION, ECDSA_WITH_SHA_384];
    const SHA_512: &[ObjectIdentifier] = &[SHA_512_WITH_RSA_ENCRYPTION, ECDSA_WITH_SHA_512];
    let algorithm = Certificate::from_der(certificate).ok()?.signature_algorithm().oid;
    match algorithm {
        _ if SHA_256.contains(&algorithm) => Some(Sha256::digest(certificate).to_vec()),
        _ if SHA_384.contains(&algorithm) => Some(Sha384::digest(certificate).to_vec()),
        _ if SHA_512.contains(&algorithm) => Some(Sha512::digest(certificate).to_vec()),
        _ => None,
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
