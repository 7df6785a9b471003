//! What a follower has not taken yet. It is bounded: nobody waits for a follower, and nobody pays for a slow one.

use super::event::Delivery;
use groundplan_error::{Error, Reason};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The deliveries of one follower.
#[derive(Debug, Default)]
pub(super) struct Buffer {
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
pub(super) enum End {
    TooSlow,
    /// The log is another one.
    Gone,
    /// The subject is no more what it was: a reason and a message.
    Changed(Reason, String),
}

impl Buffer {
    /// Adds a delivery, if there is room for it.
    pub(super) fn push(&self, delivery: Delivery, limit: usize) {
        let mut waiting = self.waiting();
        if waiting.end.is_some() {
            return;
        }
        // One that is larger than the buffer must pass, or nobody could ever get it.
        if !waiting.deliveries.is_empty() && waiting.bytes + delivery.bytes > limit {
            waiting.end = Some(End::TooSlow);
        } else {
            waiting.bytes += delivery.bytes;
            waiting.deliveries.push_back(delivery);
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// Cuts the follower off.
    pub(super) fn end(&self, end: End) {
        self.waiting().end.get_or_insert(end);
        self.wake.notify_one();
    }

    /// Takes what is next; none if there is nothing yet.
    pub(super) fn take(&self) -> Result<Option<Delivery>, Error> {
        let mut waiting = self.waiting();
        if let Some(delivery) = waiting.deliveries.pop_front() {
            waiting.bytes -= delivery.bytes;
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
    pub(super) fn is_empty(&self) -> bool {
        let waiting = self.waiting();
        waiting.deliveries.is_empty() && waiting.end.is_none()
    }

    /// Waits until something may have come.
    pub(super) async fn wait(&self) {
        self.wake.notified().await;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End {
    pub(super) fn to_error(&self) -> Error {
        match self {
            Self::TooSlow => Error::new(
                Reason::FollowerTooSlow,
                "the follower reads too slowly, and what waits for it has filled its buffer; go on with the last token, and \
                 read faster, or narrow the filter",
            ),
            Self::Gone => Error::new(Reason::PositionGone, "the event log is another one now; begin again"),
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
    use groundplan_eventlog::Cursor;
    use std::sync::Arc;

    fn delivery(position: i64, bytes: usize) -> Delivery {
        Delivery { at: Cursor::behind(position), event: Arc::default(), bytes }
    }

    #[test]
    fn it_is_bounded_and_what_it_has_is_not_lost() {
        let buffer = Buffer::default();
        buffer.push(delivery(1, 1_000), 10);
        buffer.push(delivery(2, 1), 10);
        buffer.push(delivery(3, 1), 10);
        assert_eq!(buffer.take().unwrap().unwrap().at, Cursor::behind(1), "a large one passes alone");
        assert_eq!(buffer.take().unwrap_err().reason(), Reason::FollowerTooSlow);
        buffer.push(delivery(4, 1), 10);
        assert_eq!(buffer.take().unwrap_err().reason(), Reason::FollowerTooSlow, "nothing comes behind a gap");
    }

    #[test]
    fn room_comes_back() {
        let buffer = Buffer::default();
        for at in 0..100 {
            buffer.push(delivery(at, 6), 10);
            assert_eq!(buffer.take().unwrap().unwrap().at, Cursor::behind(at));
        }
        assert!(buffer.take().unwrap().is_none());
        buffer.end(End::Gone);
        assert_eq!(buffer.take().unwrap_err().reason(), Reason::PositionGone);
    }
}
