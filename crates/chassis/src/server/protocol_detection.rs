//! Detects the protocol of a connection by its first bytes. The caller limits the time: neither protocol limits how long a client
//! can stay silent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

/// The preface of an HTTP/2 connection.
const PREFACE: &[u8; PREFACE_LENGTH] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The length of the preface, in bytes.
pub(super) const PREFACE_LENGTH: usize = 24;

/// Reads until the protocol is clear. The returned stream starts with the same bytes.
pub(super) async fn detect<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<ReplayStream<S>> {
    let mut prefix = Vec::with_capacity(PREFACE.len());
    // While the bytes can still become the preface. HTTP/1 differs by the fourth letter.
    while prefix.len() < PREFACE.len() && PREFACE.starts_with(&prefix) {
        let wanted = PREFACE.len() - prefix.len();
        if (&mut stream).take(wanted as u64).read_buf(&mut prefix).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(ReplayStream { prefix, replayed: 0, stream })
}

/// A stream that replays its first bytes.
pub(super) struct ReplayStream<S> {
    prefix: Vec<u8>,
    /// The number of replayed bytes.
    replayed: usize,
    stream: S,
}

impl<S> ReplayStream<S> {
    /// Returns whether the protocol is HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        self.prefix == PREFACE
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReplayStream<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.prefix.get(this.replayed..) {
            Some(rest) if !rest.is_empty() => {
                let (now, _) = rest.split_at(rest.len().min(buffer.remaining()));
                buffer.put_slice(now);
                this.replayed += now.len();
                Poll::Ready(Ok(()))
            }
            _ => Pin::new(&mut this.stream).poll_read(context, buffer),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReplayStream<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
