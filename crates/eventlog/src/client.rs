//! Following the log of another service: reconnects, backs off, resumes, and says when something may have been missed.

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use groundplan_proto::eventlog::v1;
use rand::RngExt as _;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tonic::{Code, Status};

/// The pause before following again after a break; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);

const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The messages of a `Tail` method: events, and the token behind them.
pub type Messages = BoxStream<'static, Result<(Vec<v1::Event>, String), Status>>;

/// A `Tail` method of some service.
pub trait Source: Send {
    /// Calls it with a token, or with none.
    fn tail(&mut self, token: &str) -> impl Future<Output = Result<Messages, Status>> + Send;
}

/// What a follower hears.
#[derive(Clone, Debug, PartialEq)]
pub enum FollowerUpdate {
    /// It follows from now on. What happened before must be asked for otherwise: at the start, and whenever the log is not
    /// the one that it was, or has dropped what was not heard.
    Started,
    /// What happened, in order.
    Events(Vec<v1::Event>),
}

/// Follows for ever.
pub struct Follower<S> {
    source: S,
    /// What is followed, for the log.
    name: &'static str,
    token: String,
    messages: Option<Messages>,
    pause: Duration,
    /// After a break.
    resume_at: Option<Instant>,
}

impl<S: Source> Follower<S> {
    pub fn new(source: S, name: &'static str) -> Self {
        Self { source, name, token: String::new(), messages: None, pause: FIRST_PAUSE, resume_at: None }
    }

    /// Waits for what comes next. It may be dropped at any time and called again: nothing is lost.
    pub async fn next(&mut self) -> FollowerUpdate {
        loop {
            match self.step().await {
                Ok(Some(heard)) => return heard,
                Ok(None) => {}
                Err(status) => self.handle_break(&status),
            }
        }
    }

    /// Has the caller begin again after a pause, because it could not do what was asked of it.
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

    /// Has the next step pause, after a break.
    fn handle_break(&mut self, status: &Status) {
        self.messages = None;
        if matches!(status.code(), Code::OutOfRange | Code::InvalidArgument) {
            self.token.clear();
        }
        let (name, pause) = (self.name, self.pause);
        tracing::warn!(name, code = ?status.code(), message = status.message(), ?pause, "following is broken; following again");
        self.back_off();
    }

    /// Has the next step wait, longer each time.
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

/// The next message. A stream of a log has no end.
async fn next(
    messages: &mut (impl Stream<Item = Result<(Vec<v1::Event>, String), Status>> + Unpin),
) -> Result<(Vec<v1::Event>, String), Status> {
    messages.next().await.unwrap_or_else(|| Err(Status::unavailable("the stream has ended")))
}

#[cfg(test)]
mod tests;
