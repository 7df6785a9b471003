//! TLS between the socket and the first bytes of HTTP.

use crate::tls::{PeerName, Tls};
use std::io;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Greets a caller: both show their certificates. Says who it is, if its certificate has a name that is one of ours.
pub(super) async fn accept(tls: &Tls, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, Option<PeerName>)> {
    let stream = TlsAcceptor::from(tls.server_config()).accept(stream).await?;
    let certificates = stream.get_ref().1.peer_certificates();
    let name = certificates.and_then(|chain| chain.first()).and_then(PeerName::from_certificate);
    Ok((stream, name))
}

/// Whether the handshake failed because of what was said in it: worth an operator's look, unlike who just goes away.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}
