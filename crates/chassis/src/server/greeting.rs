//! The first bytes of a connection. Whoever connects and then says nothing, or half of something, is not waited for:
//! neither of the two protocols limits that by itself.

use std::io::{self, Cursor};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, join};
use tokio::net::TcpStream;

/// What an HTTP/2 connection starts with.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Waits until it is clear what a connection speaks. The stream that comes back starts with the same bytes.
pub(super) async fn read(mut stream: TcpStream) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static> {
    let mut greeting = Vec::with_capacity(PREFACE.len());
    // As long as it may still become the preface. HTTP/1 differs at the latest at its fourth letter.
    while greeting.len() < PREFACE.len() && PREFACE.starts_with(&greeting) {
        let wanted = PREFACE.len() - greeting.len();
        if (&mut stream).take(wanted as u64).read_buf(&mut greeting).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let (reader, writer) = stream.into_split();
    Ok(join(Cursor::new(greeting).chain(reader), writer))
}
