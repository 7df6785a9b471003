//! Monitors the bytes of a connection. Neither hyper nor h2 limits control frames, or the time that a response waits for a client
//! that does not read.

use super::http2_frames::{Frame, FrameReader};
use super::protocol_detection::PREFACE_LENGTH;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Control frames that belong to no call: the burst, and the rate per second. Clients that measure the bandwidth send a PING for
/// each response of a stream; a flood has a hundred times as many.
const FRAME_BURST: u32 = 20_000;
const FRAMES_PER_SECOND: u32 = 2_000;

/// The number of sent bytes that allow one more frame, because clients acknowledge what they read.
const BYTES_PER_FRAME: u32 = 1_024;

/// The progress of response bodies.
#[derive(Debug)]
pub(super) struct BodyTraffic {
    /// Bytes that were passed to the protocol.
    queued: AtomicU64,
    /// Bytes that were sent.
    sent: AtomicU64,
}

impl BodyTraffic {
    /// Adds bytes that were passed to the protocol.
    pub(super) fn record_queued(&self, bytes: usize) {
        self.queued.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Handles a cancelled call: the rest of its response will never be sent.
    fn discard_unsent(&self) {
        self.queued.store(self.sent.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Returns the number of sent bytes while more are pending.
    pub(super) fn sent_while_pending(&self) -> Option<u64> {
        let sent = self.sent.load(Ordering::Relaxed);
        (self.queued.load(Ordering::Relaxed) > sent).then_some(sent)
    }
}

/// A monitored stream of a connection.
pub(super) struct GuardedStream<S> {
    stream: S,
    /// None for HTTP/1.
    http2: Option<Http2Traffic>,
    stalled: Option<Pin<Box<Sleep>>>,
    /// How long bytes can wait for a client that does not read.
    stall_timeout: Duration,
}

/// The frames of an HTTP/2 connection, in both directions.
struct Http2Traffic {
    incoming: FrameReader,
    outgoing: FrameReader,
    allowance: FrameAllowance,
    traffic: Arc<BodyTraffic>,
}

impl<S> GuardedStream<S> {
    /// Monitors a stream from its first byte. The traffic is tracked for HTTP/2 only: with HTTP/1 a blocked write shows that the
    /// client does not read.
    pub(super) fn new(stream: S, is_http2: bool, stall_timeout: Duration) -> (Self, Option<Arc<BodyTraffic>>) {
        let traffic = is_http2.then(|| Arc::new(BodyTraffic { queued: AtomicU64::new(0), sent: AtomicU64::new(0) }));
        let http2 = traffic.clone().map(|traffic| Http2Traffic {
            incoming: FrameReader::after_prefix(PREFACE_LENGTH),
            outgoing: FrameReader::after_prefix(0),
            allowance: FrameAllowance::new(Instant::now()),
            traffic,
        });
        (Self { stream, http2, stalled: None, stall_timeout }, traffic)
    }

    /// Passes on the result of a write; one that blocks for too long fails.
    fn check_stall<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.stall_timeout)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl Http2Traffic {
    fn count_received(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut idle_frames, traffic) = (0, &self.traffic);
        self.incoming.read(bytes, |frame| {
            idle_frames += u32::from(!frame.is_call_progress());
            if frame.is_reset() {
                traffic.discard_unsent();
            }
        });
        if idle_frames == 0 || self.allowance.try_spend(idle_frames, Instant::now()) {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::ConnectionAborted, "a flood of control frames"))
    }

    /// Records that `count` bytes of `pieces` were sent.
    fn record_sent<'a>(&mut self, pieces: impl Iterator<Item = &'a [u8]>, mut count: usize) {
        self.allowance.credit(count);
        let mut data = 0;
        for piece in pieces {
            let part = piece.get(..count.min(piece.len())).unwrap_or_default();
            count -= part.len();
            self.outgoing.read(part, |frame: Frame| data += if frame.is_data() { u64::from(frame.length) } else { 0 });
        }
        if data > 0 {
            self.traffic.sent.fetch_add(data, Ordering::Relaxed);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GuardedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(self.http2.as_mut().map_or(Ok(()), |http2| http2.count_received(bytes)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GuardedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let (Poll::Ready(Ok(count)), Some(http2)) = (&written, &mut self.http2) {
            http2.record_sent(std::iter::once(bytes), *count);
        }
        self.check_stall(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        if let (Poll::Ready(Ok(count)), Some(http2)) = (&written, &mut self.http2) {
            http2.record_sent(pieces.iter().map(|piece| &**piece), *count);
        }
        self.check_stall(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.check_stall(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.check_stall(context, ended)
    }
}

/// A token bucket for control frames.
#[derive(Debug)]
struct FrameAllowance {
    left: f64,
    at: Instant,
}

impl FrameAllowance {
    fn new(now: Instant) -> Self {
        Self { left: f64::from(FRAME_BURST), at: now }
    }

    fn credit(&mut self, bytes: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a write is far below 2^52 bytes")]
        let earned = bytes as f64 / f64::from(BYTES_PER_FRAME);
        self.left = (self.left + earned).min(f64::from(FRAME_BURST));
    }

    /// Takes tokens, and returns whether there were enough.
    fn try_spend(&mut self, frames: u32, now: Instant) -> bool {
        let seconds = now.duration_since(self.at).as_secs_f64();
        self.at = now;
        self.left = (self.left + seconds * f64::from(FRAMES_PER_SECOND)).min(f64::from(FRAME_BURST));
        self.left -= f64::from(frames);
        self.left >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::{FRAME_BURST, FRAMES_PER_SECOND, FrameAllowance, GuardedStream};
    use std::io::ErrorKind;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::Instant;

    const STALL_TIMEOUT: Duration = Duration::from_secs(30);

    #[test]
    fn steady_clients_can_continue_and_floods_cannot() {
        let mut now = Instant::now();
        let mut allowance = FrameAllowance::new(now);
        for _ in 0..100 {
            now += Duration::from_secs(1);
            assert!(allowance.try_spend(FRAMES_PER_SECOND, now));
        }
        assert!(!allowance.try_spend(FRAME_BURST + 1, now));
        let mut reading = FrameAllowance::new(now);
        for _ in 0..100 {
            assert!(reading.try_spend(1_000, now), "the client acknowledges what it has read");
            reading.credit(1_000 * 1_024);
        }
    }

    #[tokio::test]
    async fn control_frames_are_limited() {
        let (mut client, server) = duplex(1 << 20);
        let (mut guarded, _) = GuardedStream::new(server, true, STALL_TIMEOUT);
        let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        tokio::spawn(async move {
            client.write_all(preface).await.unwrap();
            while client.write_all(&ping.repeat(1_000)).await.is_ok() {}
        });
        let (mut read, mut buffer) = (0, [0; 17_000]);
        let error = loop {
            match guarded.read(&mut buffer).await {
                Ok(count) => read += count,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        let frames = (read - preface.len()) / ping.len();
        assert!((FRAME_BURST as usize - 2_000..=FRAME_BURST as usize + 5_000).contains(&frames), "{frames}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_times_out() {
        let (client, server) = duplex(1_000);
        let (mut guarded, _) = GuardedStream::new(server, false, STALL_TIMEOUT);
        let error = guarded.write_all(&[0; 2_000]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(client);
    }

    #[tokio::test]
    async fn sent_bytes_of_responses_are_tracked() {
        let (_client, server) = duplex(1_000);
        let (mut guarded, traffic) = GuardedStream::new(server, true, STALL_TIMEOUT);
        let traffic = traffic.unwrap();
        assert_eq!(traffic.sent_while_pending(), None);
        traffic.record_queued(5);
        assert_eq!(traffic.sent_while_pending(), Some(0));
        guarded.write_all(&[0, 0, 2, 6, 0, 0, 0, 0, 0, 1, 1, 0, 0, 5, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9, 9]).await.unwrap();
        assert_eq!(traffic.sent_while_pending(), None);
    }
}
