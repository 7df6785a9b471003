//! What has happened so far.

use serde_json::{Value, json};
use std::fmt::{self, Display, Formatter};
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts, added up by all.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Changes that are known to have been written.
    pub(crate) changes: Count,
    /// Writes that others came before.
    pub(crate) overtaken: Count,
    /// Writes that had to be looked after: nobody knew whether they were done.
    pub(crate) unsure: Count,
    /// What the followers have heard.
    pub(crate) events: Count,
    /// Calls that followers have dropped on purpose.
    pub(crate) dropped: Count,
    /// Calls that broke, and went on.
    pub(crate) broken: Count,
    /// Calls that ended because the follower was too slow, and went on.
    pub(crate) cut_off: Count,
    /// Watches that began anew: they broke before they had a token.
    pub(crate) anew: Count,
    /// Followers that have heard of the end.
    pub(crate) ended: Count,
}

/// A count.
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
