//! The newest events in memory, shared by all followers of the process.

use crate::resume::EventIdentity;
use crate::{Cursor, Event};
use std::collections::VecDeque;
use std::sync::Arc;

/// The maximum size in bytes. A larger event is kept alone.
const MAX_BYTES: usize = 16 << 20;

/// The maximum number of events.
const MAX_EVENTS: usize = 16_384;

/// The maximum number of events of one read.
const MAX_READ: usize = 512;

/// The newest events, without gaps.
#[derive(Debug)]
pub(crate) struct Ring {
    /// The position before the first event.
    start: Cursor,
    events: VecDeque<Arc<Event>>,
    bytes: usize,
}

impl Ring {
    /// Returns an empty ring that starts after a position.
    pub(crate) fn new(start: Cursor) -> Self {
        Self { start, events: VecDeque::new(), bytes: 0 }
    }

    /// Adds the next events.
    pub(crate) fn extend(&mut self, events: impl IntoIterator<Item = Arc<Event>>) {
        for event in events {
            self.bytes += event.size();
            self.events.push_back(event);
            while self.events.len() > 1 && (self.bytes > MAX_BYTES || self.events.len() > MAX_EVENTS) {
                let Some(oldest) = self.events.pop_front() else { break };
                self.bytes -= oldest.size();
                self.start = oldest.at;
            }
        }
    }

    /// Returns the last event at or before a position, if it is in the ring.
    pub(crate) fn last_event(&self, cursor: Cursor) -> Option<EventIdentity> {
        let after = self.events.partition_point(|event| event.at <= cursor);
        self.events.get(after.checked_sub(1)?).map(|event| event.identity())
    }

    /// Returns some of the events after a position, or `None` if the ring has dropped them.
    pub(crate) fn read(&self, after: Cursor) -> Option<Vec<Arc<Event>>> {
        if after < self.start {
            return None;
        }
        let first = self.events.partition_point(|event| event.at <= after);
        Some(self.events.iter().skip(first).take(MAX_READ).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn event(position: i64, bytes: usize) -> Arc<Event> {
        Arc::new(Event {
            at: Cursor { position, part: 0 },
            is_last: true,
            appended_at: 0,
            transaction: 0,
            tenant: String::new(),
            topic: String::new(),
            key: String::new(),
            kind: 1,
            payload: Bytes::from(vec![0; bytes]),
        })
    }

    fn positions(ring: &Ring, after: i64) -> Option<Vec<i64>> {
        Some(ring.read(Cursor::after(after))?.iter().map(|event| event.at.position).collect())
    }

    #[test]
    fn it_returns_the_events_after_a_position_while_it_has_them() {
        let mut ring = Ring::new(Cursor::after(4));
        assert_eq!(positions(&ring, 4), Some(vec![]));
        ring.extend([event(5, 0), event(7, 0), event(8, 0)]);
        assert_eq!(positions(&ring, 4), Some(vec![5, 7, 8]));
        assert_eq!(positions(&ring, 6), Some(vec![7, 8]));
        assert_eq!(positions(&ring, 8), Some(vec![]));
        assert_eq!(positions(&ring, 3), None);
    }

    #[test]
    fn it_is_bounded() {
        let mut ring = Ring::new(Cursor::START);
        ring.extend((1..100).map(|at| event(at, 1 << 20)));
        assert!(ring.bytes <= MAX_BYTES && ring.events.len() > 10);
        assert_eq!(positions(&ring, 1), None);
        ring.extend([event(100, 2 * MAX_BYTES)]);
        assert_eq!(positions(&ring, 99), Some(vec![100]));
        ring.extend((101..101 + 2 * MAX_EVENTS as i64).map(|at| event(at, 0)));
        assert_eq!(ring.events.len(), MAX_EVENTS);
    }
}
