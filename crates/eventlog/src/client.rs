//! Follows the log of another service: reconnects, backs off, resumes, and reports when events might have been missed.

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use groundplan_proto::eventlog::v1;
use rand::RngExt as _;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tonic::{Code, Status};

/// The pause before the first reconnect; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);

const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The messages of a `Tail` method: events, and the token after them.
pub type Messages = BoxStream<'static, Result<(Vec<v1::Event>, String), Status>>;

/// The `Tail` method of a service.
pub trait Source: Send {
    /// Calls the method with a token, which can be empty.
    fn tail(&mut self, token: &str) -> impl Future<Output = Result<Messages, Status>> + Send;
}

/// An update from the followed log.
#[derive(Clone, Debug, PartialEq)]
pub enum FollowerUpdate {
    /// The follower starts here and must read earlier state by other means: at the first connect, and after the log was
    /// replaced or has dropped events that were not received.
    Started,
    /// New events, in order.
    Events(Vec<v1::Event>),
}

/// Follows a log permanently.
pub struct Follower<S> {
    source: S,
    /// The name of the followed log, for log messages.
    name: &'static str,
    token: String,
    messages: Option<Messages>,
    pause: Duration,
    /// When to reconnect, after a failure.
    resume_at: Option<Instant>,
}

impl<S: Source> Follower<S> {
    pub fn new(source: S, name: &'static str) -> Self {
        Self { source, name, token: String::new(), messages: None, pause: FIRST_PAUSE, resume_at: None }
    }

    /// Waits for the next update. Cancel-safe: no update is lost.
    pub async fn next(&mut self) -> FollowerUpdate {
        loop {
            match self.step().await {
                Ok(Some(update)) => return update,
                Ok(None) => {}
                Err(status) => self.handle_break(&status),
            }
        }
    }

    /// Starts again without a token after a pause, because the caller could not handle an update.
    pub fn restart(&mut self) {
        self.messages = None;
        self.token.clear();
        self.back_off();
    }

    async fn step(&mut self) -> Result<Option<FollowerUpdate>, Status> {
        if let Some(until) = self.resume_at {
            sleep_until(until).await;
            self.resume_at = None;
        }
        let Some(messages) = &mut self.messages else {
            let messages = self.source.tail(&self.token).await?;
            self.messages = Some(messages);
            return Ok(None);
        };
        let (events, token) = next(messages).await?;
        let is_first = std::mem::replace(&mut self.token, token).is_empty();
        if !is_first {
            self.pause = FIRST_PAUSE;
        }
        Ok(match (is_first, events.is_empty()) {
            (true, _) => Some(FollowerUpdate::Started),
            (false, true) => None,
            (false, false) => Some(FollowerUpdate::Events(events)),
        })
    }

    /// Handles a failed stream: resets the token if it is no longer valid, and backs off.
    fn handle_break(&mut self, status: &Status) {
        self.messages = None;
        if matches!(status.code(), Code::OutOfRange | Code::InvalidArgument) {
            self.token.clear();
        }
        let (name, pause) = (self.name, self.pause);
        tracing::warn!(name, code = ?status.code(), message = status.message(), ?pause, "following failed; reconnecting");
        self.back_off();
    }

    /// Delays the next step, longer each time.
    fn back_off(&mut self) {
        self.resume_at = Some(Instant::now() + self.pause.mul_f64(rand::rng().random_range(0.5..1.5)));
        self.pause = (self.pause * 2).min(MAX_PAUSE);
    }
}

impl<S: std::fmt::Debug> std::fmt::Debug for Follower<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Follower").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Returns the next message. The stream of a log never ends.
async fn next(
    messages: &mut (impl Stream<Item = Result<(Vec<v1::Event>, String), Status>> + Unpin),
) -> Result<(Vec<v1::Event>, String), Status> {
    messages.next().await.unwrap_or_else(|| Err(Status::unavailable("the stream has ended")))
}

#[cfg(test)]
mod tests;
