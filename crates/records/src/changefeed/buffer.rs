//! The events that wait for a watcher. The buffer is bounded: a slow watcher neither delays others nor uses their memory.

use super::delivery::Delivery;
use groundplan_error::{Error, Reason};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// When a watcher can retry after it was disconnected for lack of memory.
const RETRY: Duration = Duration::from_secs(1);

/// The deliveries that wait for one watcher.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    deliveries: VecDeque<Delivery>,
    bytes: usize,
    /// Why no more deliveries are added.
    end: Option<End>,
}

/// Why a watcher is disconnected after the deliveries in its buffer.
#[derive(Clone, Debug)]
pub(crate) enum End {
    TooSlow,
    /// The process has reached its memory limit.
    NoMemory,
    /// The filter takes too many steps for a change.
    Costly(String),
    /// The log was replaced.
    Gone,
    /// The subscription cannot continue: a reason and a message.
    Changed(Reason, String),
}

impl Buffer {
    /// Adds a delivery. If it does not fit, the watcher is disconnected.
    pub(crate) fn push(&self, delivery: Delivery, limit: usize) {
        let mut waiting = self.waiting();
        if waiting.end.is_some() {
            return;
        }
        // A delivery that is larger than the buffer must pass, or no watcher could ever receive it.
        if !waiting.deliveries.is_empty() && waiting.bytes + delivery.event.bytes > limit {
            waiting.end = Some(End::TooSlow);
        } else {
            waiting.bytes += delivery.event.bytes;
            waiting.deliveries.push_back(delivery);
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// Returns the size of the waiting deliveries in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.waiting().bytes
    }

    /// Disconnects the watcher and drops its waiting deliveries to free memory. The watcher's last token resumes before them.
    pub(crate) fn drop_all(&self) {
        let mut waiting = self.waiting();
        *waiting = Waiting { end: Some(waiting.end.take().unwrap_or(End::NoMemory)), ..Waiting::default() };
        drop(waiting);
        self.wake.notify_one();
    }

    /// Disconnects the watcher after its waiting deliveries.
    pub(crate) fn end(&self, end: End) {
        self.waiting().end.get_or_insert(end);
        self.wake.notify_one();
    }

    /// Takes the next delivery; `None` if there is none yet.
    ///
    /// # Errors
    /// Why the watcher is disconnected, after the last delivery.
    pub(crate) fn take(&self) -> Result<Option<Delivery>, Error> {
        let mut waiting = self.waiting();
        if let Some(delivery) = waiting.deliveries.pop_front() {
            waiting.bytes -= delivery.event.bytes;
            if waiting.deliveries.is_empty() {
                // Thousands of idle watchers must not keep the capacity that they needed once.
                waiting.deliveries = VecDeque::new();
            }
            return Ok(Some(delivery));
        }
        match &waiting.end {
            Some(end) => Err(end.to_error()),
            None => Ok(None),
        }
    }

    /// Reports whether no delivery waits and the watcher is not disconnected.
    pub(crate) fn is_empty(&self) -> bool {
        let waiting = self.waiting();
        waiting.deliveries.is_empty() && waiting.end.is_none()
    }

    /// Waits until the buffer might have changed.
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
    fn waiting_events_are_dropped_for_memory_and_the_watcher_gets_an_error() {
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
