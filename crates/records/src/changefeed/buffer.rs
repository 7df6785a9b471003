//! What a follower has not taken yet. It is bounded: nobody waits for a follower, and nobody pays for a slow one.

use super::delivery::Delivery;
use groundplan_error::{Error, Reason};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// When a follower may come back that was cut off for want of memory.
const RETRY: Duration = Duration::from_secs(1);

/// The deliveries of one follower.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    deliveries: VecDeque<Delivery>,
    bytes: usize,
    /// Why nothing is added any more.
    end: Option<End>,
}

/// Why a follower is cut off, behind what it has.
#[derive(Clone, Debug)]
pub(crate) enum End {
    TooSlow,
    /// The process holds all the memory that it may.
    NoMemory,
    /// The filter took too long for a change.
    Costly(String),
    /// The log is another one.
    Gone,
    /// The subscription is no more what it was: a reason and a message.
    Changed(Reason, String),
}

impl Buffer {
    /// Adds a delivery, if there is room for it.
    pub(crate) fn push(&self, delivery: Delivery, limit: usize) {
        let mut waiting = self.waiting();
        if waiting.end.is_some() {
            return;
        }
        // One that is larger than the buffer must pass, or nobody could ever get it.
        if !waiting.deliveries.is_empty() && waiting.bytes + delivery.event.bytes > limit {
            waiting.end = Some(End::TooSlow);
        } else {
            waiting.bytes += delivery.event.bytes;
            waiting.deliveries.push_back(delivery);
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.waiting().bytes
    }

    /// Cuts the follower off and drops what waits for it: the memory is needed. The last token that the follower has resumes
    /// before what is dropped.
    pub(crate) fn drop_all(&self) {
        let mut waiting = self.waiting();
        *waiting = Waiting { end: Some(waiting.end.take().unwrap_or(End::NoMemory)), ..Waiting::default() };
        drop(waiting);
        self.wake.notify_one();
    }

    /// Cuts the follower off.
    pub(crate) fn end(&self, end: End) {
        self.waiting().end.get_or_insert(end);
        self.wake.notify_one();
    }

    /// Takes what is next; none if there is nothing yet.
    pub(crate) fn take(&self) -> Result<Option<Delivery>, Error> {
        let mut waiting = self.waiting();
        if let Some(delivery) = waiting.deliveries.pop_front() {
            waiting.bytes -= delivery.event.bytes;
            if waiting.deliveries.is_empty() {
                // Thousands of idle followers must not keep the room that they needed once.
                waiting.deliveries = VecDeque::new();
            }
            return Ok(Some(delivery));
        }
        match &waiting.end {
            Some(end) => Err(end.to_error()),
            None => Ok(None),
        }
    }

    /// Whether nothing waits, and nothing has ended.
    pub(crate) fn is_empty(&self) -> bool {
        let waiting = self.waiting();
        waiting.deliveries.is_empty() && waiting.end.is_none()
    }

    /// Waits until something may have come.
    pub(crate) async fn wait(&self) {
        self.wake.notified().await;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End {
    pub(crate) fn to_error(&self) -> Error {
        match self {
            Self::TooSlow => Error::new(
                Reason::FollowerTooSlow,
                "the watcher reads too slowly, and its buffer is full; resume with the last token, and \
                 read faster, or narrow the filter",
            ),
            Self::NoMemory => Error::new(
                Reason::MemoryExhausted,
                "the memory for calls is used up, and the changes waiting for the watcher were dropped; \
                 resume with the last token, and read faster, or narrow the filter (GROUNDPLAN_MEMORY sets the limit)",
            )
            .retry_after(RETRY),
            Self::Costly(message) => Error::new(Reason::BudgetExceeded, message.clone()),
            Self::Gone => Error::new(Reason::PositionGone, "the event log was replaced; start again without a token"),
            Self::Changed(reason, message) => Error::new(
                *reason,
                format!("the models have changed, and the watch does not fit them any more: {message}"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundplan_eventlog::{Cursor, ResumePoint};
    use groundplan_operations::WatchEvent;

    fn delivery(position: i64, bytes: usize) -> Delivery {
        let at = ResumePoint::start_at(Cursor::after(position));
        Delivery::new(at, WatchEvent { bytes, ..WatchEvent::default() }, None)
    }

    fn position(buffer: &Buffer) -> i64 {
        buffer.take().unwrap().unwrap().at.cursor.position
    }

    #[test]
    fn it_is_bounded_and_what_it_has_is_not_lost() {
        let buffer = Buffer::default();
        buffer.push(delivery(1, 1_000), 10);
        buffer.push(delivery(2, 1), 10);
        buffer.push(delivery(3, 1), 10);
        assert_eq!(position(&buffer), 1, "a large one passes alone");
        assert_eq!(buffer.take().unwrap_err().reason(), Reason::FollowerTooSlow);
        buffer.push(delivery(4, 1), 10);
        assert_eq!(buffer.take().unwrap_err().reason(), Reason::FollowerTooSlow, "nothing comes behind a gap");
    }

    #[test]
    fn what_waits_is_dropped_when_the_memory_is_needed_and_the_follower_hears_of_it() {
        let buffer = Buffer::default();
        buffer.push(delivery(1, 6), 10);
        buffer.drop_all();
        assert_eq!(buffer.bytes(), 0);
        buffer.push(delivery(2, 6), 10);
        let error = buffer.take().unwrap_err();
        assert_eq!(error.reason(), Reason::MemoryExhausted, "nothing comes after a gap");
        assert!(error.message().contains("last token") && error.message().contains("GROUNDPLAN_MEMORY"));
    }

    #[test]
    fn room_comes_back() {
        let buffer = Buffer::default();
        for at in 0..100 {
            buffer.push(delivery(at, 6), 10);
            assert_eq!(position(&buffer), at);
        }
        assert!(buffer.take().unwrap().is_none());
        buffer.end(End::Gone);
        assert_eq!(buffer.take().unwrap_err().reason(), Reason::PositionGone);
    }
}
