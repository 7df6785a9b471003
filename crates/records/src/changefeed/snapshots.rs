//! The changes that a watcher has seen by reading records. They must not be delivered again.

use groundplan_eventlog::{Event, Snapshot};
use std::collections::HashMap;

/// The snapshots of the reads.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    /// By topic: the snapshot of each page of records, with the largest id of its range. The last range has no upper bound.
    pages: HashMap<String, Vec<(String, Snapshot)>>,
    /// No snapshot contains events after this position.
    through: i64,
}

impl Snapshots {
    /// Adds the snapshot of a page of a topic, up to an id.
    pub(crate) fn add(&mut self, topic: &str, last_id: String, snapshot: Snapshot) {
        self.pages.entry(topic.to_owned()).or_default().push((last_id, snapshot));
    }

    /// Sets the position after which no snapshot contains events.
    pub(crate) fn end_at(&mut self, position: i64) {
        self.through = position;
    }

    /// Reports whether all events in the snapshots are at or before a position.
    pub(crate) fn are_passed(&self, position: i64) -> bool {
        position >= self.through
    }

    /// Reports whether the watcher has seen a change already.
    pub(crate) fn contain(&self, event: &Event) -> bool {
        if event.at.position > self.through {
            return false;
        }
        let Some(pages) = self.pages.get(&event.topic) else { return false };
        let at = pages.partition_point(|(last_id, _)| *last_id < event.key).min(pages.len().saturating_sub(1));
        pages.get(at).is_some_and(|(_, snapshot)| snapshot.contains(event.transaction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use groundplan_eventlog::Cursor;

    fn event(topic: &str, key: &str, position: i64, transaction: u64) -> Event {
        Event {
            at: Cursor { position, part: 0 },
            is_last: true,
            appended_at: 0,
            transaction,
            tenant: "default".into(),
            topic: topic.into(),
            key: key.into(),
            kind: 2,
            payload: Bytes::new(),
        }
    }

    #[test]
    fn each_page_has_its_own() {
        let mut snapshots = Snapshots::default();
        snapshots.add("a", "f".into(), Snapshot::parse("10:10:").unwrap());
        snapshots.add("a", "m".into(), Snapshot::parse("20:20:").unwrap());
        snapshots.end_at(100);
        for (topic, key, position, transaction, expected) in [
            ("a", "c", 5, 9, true),
            ("a", "c", 5, 15, false),
            ("a", "f", 5, 15, false),
            ("a", "g", 5, 15, true),
            ("a", "z", 5, 15, true),
            ("a", "z", 5, 25, false),
            ("a", "z", 101, 15, false),
            ("b", "c", 5, 9, false),
        ] {
            let is_seen = snapshots.contain(&event(topic, key, position, transaction));
            assert_eq!(is_seen, expected, "{topic} {key} {position} {transaction}");
        }
        assert!(snapshots.are_passed(100) && !snapshots.are_passed(99));
    }
}
