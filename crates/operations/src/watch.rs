//! Watches: requests and events.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use groundplan_budget::{Held, Memory};
use groundplan_codec::Record;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_proto::watch::v1::{EventKind, Removal, Start};
use std::sync::{Arc, OnceLock};

/// A request for a watch. All values are as the caller sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchQuery {
    /// CEL; empty: all.
    pub filter: String,
    /// As in [`View`].
    pub read_mask: Vec<String>,
    pub start: Start,
    /// The resume token; empty: `start` determines the start.
    pub token: String,
    /// Whether UPDATED events include the previous state of the record.
    pub with_previous: bool,
    pub allow_scan: bool,
}

/// The events of a watch, which all watchers with the same request share.
pub type WatchStream = BoxStream<'static, Result<Arc<WatchEvent>, Error>>;

/// One event of a watch, of a kind in `groundplan.watch.v1.EventKind`.
#[derive(Debug, Default)]
pub struct WatchEvent {
    pub kind: EventKind,
    /// None for SYNCED and BOOKMARK.
    pub model: Option<Arc<Model>>,
    /// The current record, limited to the read mask. With REMOVED: the last state.
    pub record: Option<LazyRecord>,
    /// With UPDATED: the previous state, if requested.
    pub previous: Option<LazyRecord>,
    /// With UPDATED: the names of the fields that changed.
    pub changed_fields: Vec<String>,
    pub removal: Removal,
    /// The token that resumes the watch after this event.
    pub token: String,
    /// An id that all changes of one transaction share; empty if the event is not a change.
    pub transaction: String,
    /// The time of the change, in microseconds since the Unix epoch.
    pub time: Option<i64>,
    /// The approximate size of the encoded event, in bytes.
    pub bytes: usize,
    /// The memory budget for the cached encodings; none: encodings are always cached.
    pub memory: Option<Memory>,
    /// The cached encodings, which the first watcher that needs one creates for all.
    pub encoded: Encoded,
}

/// A record that is created when an event is encoded. Until then, all watches share its source without copies.
pub struct LazyRecord(Box<dyn Fn() -> Record + Send + Sync>);

impl LazyRecord {
    /// Returns a lazy record that `make` creates.
    pub fn new(make: impl Fn() -> Record + Send + Sync + 'static) -> Self {
        Self(Box::new(make))
    }

    /// Creates the record.
    pub fn get(&self) -> Record {
        (self.0)()
    }
}

impl std::fmt::Debug for LazyRecord {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("LazyRecord")
    }
}

/// The encodings of an event.
#[derive(Debug, Default)]
pub struct Encoded {
    /// As a gRPC message.
    pub wire: WrittenEvent,
    /// As a server-sent event.
    pub sse: WrittenEvent,
}

/// An event as encoded for one protocol, created at most once if it is cached.
#[derive(Debug, Default)]
pub struct WrittenEvent(OnceLock<(Bytes, Option<Held>)>);

impl WrittenEvent {
    /// Returns the encoding, if it is cached.
    pub fn get(&self) -> Option<&Bytes> {
        self.0.get().map(|(written, _)| written)
    }

    /// Returns the cached encoding, or the result of `write`, which is cached for later callers if the memory budget allows it.
    ///
    /// # Errors
    /// The errors of `write`.
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
