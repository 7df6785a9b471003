//! TLS between the socket and HTTP.

use crate::tls::{PeerName, Tls};
use std::io;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Accepts a TLS connection with client authentication. Returns the name in the client's certificate, if it has one.
pub(super) async fn accept(tls: &Tls, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, Option<PeerName>)> {
    let stream = TlsAcceptor::from(tls.server_config()).accept(stream).await?;
    let certificates = stream.get_ref().1.peer_certificates();
    let name = certificates.and_then(|chain| chain.first()).and_then(PeerName::from_certificate);
    Ok((stream, name))
}

/// Checks whether the handshake failed because of its content, which operators should know, unlike a disconnect.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}
