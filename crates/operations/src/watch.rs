//! Watches: what is asked for, and the events.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use groundplan_budget::{Held, Memory};
use groundplan_codec::Record;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_proto::watch::v1::{EventKind, Removal, Start};
use std::sync::{Arc, OnceLock};

/// What to watch. Everything is as the caller sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchQuery {
    /// CEL; empty: all.
    pub filter: String,
    /// As in [`View`].
    pub read_mask: Vec<String>,
    pub start: Start,
    /// Empty: begin as `start` says.
    pub token: String,
    /// Whether UPDATED brings the record as it was before.
    pub with_previous: bool,
    pub allow_scan: bool,
}

/// The events of a watch. All followers that ask for the same share them.
pub type WatchStream = BoxStream<'static, Result<Arc<WatchEvent>, Error>>;

/// One event of a watch, as `groundplan.watch.v1.EventKind` has them.
#[derive(Debug, Default)]
pub struct WatchEvent {
    pub kind: EventKind,
    /// None for SYNCED and BOOKMARK.
    pub model: Option<Arc<Model>>,
    /// The record as it is now, as far as the read mask shows it; with REMOVED as it was last.
    pub record: Option<LazyRecord>,
    /// With UPDATED, if it was asked for.
    pub previous: Option<LazyRecord>,
    /// With UPDATED: the names of the fields that changed.
    pub changed_fields: Vec<String>,
    pub removal: Removal,
    /// Resumes the watch behind this event.
    pub token: String,
    /// The same for all changes of one transaction; empty if it is no change.
    pub transaction: String,
    /// When the change was written, in microseconds since the Unix epoch.
    pub time: Option<i64>,
    /// About how many bytes the event takes when it is written.
    pub bytes: usize,
    /// What the written event may be kept in; none: it is kept in any case.
    pub memory: Option<Memory>,
    /// The event as one protocol writes it: made by the first follower that needs it, for all of them.
    pub encoded: Encoded,
}

/// A record that is made when an event is written: until then all watches share what it is made of, and none has a copy.
pub struct LazyRecord(Box<dyn Fn() -> Record + Send + Sync>);

impl LazyRecord {
    /// A record that `make` makes.
    pub fn new(make: impl Fn() -> Record + Send + Sync + 'static) -> Self {
        Self(Box::new(make))
    }

    /// Makes the record.
    pub fn get(&self) -> Record {
        (self.0)()
    }
}

impl std::fmt::Debug for LazyRecord {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("LazyRecord")
    }
}

/// An event's forms.
#[derive(Debug, Default)]
pub struct Encoded {
    /// As a gRPC message.
    pub wire: WrittenEvent,
    /// As a server-sent event.
    pub sse: WrittenEvent,
}

/// An event as one protocol writes it.
#[derive(Debug, Default)]
pub struct WrittenEvent(OnceLock<(Bytes, Option<Held>)>);

impl WrittenEvent {
    /// What was written, if it is kept.
    pub fn get(&self) -> Option<&Bytes> {
        self.0.get().map(|(written, _)| written)
    }

    /// What was written, or what `write` writes: that is kept for the next caller while the process has memory for it.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn get_or_write<E>(
        &self,
        memory: Option<&Memory>,
        write: impl FnOnce() -> Result<Bytes, E>,
    ) -> Result<Bytes, E> {
        if let Some(written) = self.get() {
            return Ok(written.clone());
        }
        let written = write()?;
        Ok(match memory.map(|memory| memory.hold(written.len())).transpose() {
            Ok(held) => self.0.get_or_init(|| (written, held)).0.clone(),
            Err(_) => written,
        })
    }
}
