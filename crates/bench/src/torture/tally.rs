//! The counts of the run so far.

use serde_json::{Value, json};
use std::fmt::{self, Display, Formatter};
use std::sync::atomic::{AtomicU64, Ordering};

/// The counts, which all writers and watchers share.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Changes that are known to be written.
    pub(crate) changes: Count,
    /// Writes that failed because another writer changed the record first.
    pub(crate) overtaken: Count,
    /// Writes whose outcome was unknown, so that the record had to be read.
    pub(crate) unsure: Count,
    /// Events that the watchers received.
    pub(crate) events: Count,
    /// Calls that the watchers dropped on purpose.
    pub(crate) dropped: Count,
    /// Calls that broke and were resumed.
    pub(crate) broken: Count,
    /// Calls that ended because the watcher was too slow, and were resumed.
    pub(crate) cut_off: Count,
    /// Watches that had to restart, because they broke before their first token.
    pub(crate) anew: Count,
    /// Watchers that received the end record.
    pub(crate) ended: Count,
}

/// A count that several tasks can increment.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    pub(crate) fn result(&self) -> Value {
        json!({
            "changes": self.changes.get(),
            "overtaken": self.overtaken.get(),
            "unsure": self.unsure.get(),
            "events": self.events.get(),
            "dropped": self.dropped.get(),
            "broken": self.broken.get(),
            "cut_off": self.cut_off.get(),
            "anew": self.anew.get(),
        })
    }
}

impl Display for Tally {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} changes, {} events, {} dropped, {} broken, {} cut off, {} ended",
            self.changes.get(),
            self.events.get(),
            self.dropped.get(),
            self.broken.get(),
            self.cut_off.get(),
            self.ended.get()
        )
    }
}
