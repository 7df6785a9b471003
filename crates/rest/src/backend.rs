//! What the REST API needs from the service behind it.

mod page;
mod write;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use groundplan_budget::{Held, Memory};
use groundplan_chassis::caller::Caller;
use groundplan_codec::{Record, Stored};
use groundplan_error::Error;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_proto::query::v1::{AggregateResponse, Aggregation, Count, Explanation};
use groundplan_proto::watch::v1::{ChangeKind, EventKind, Removal, Start};
pub use page::{Included, Page, Total};
use std::future::Future;
use std::sync::{Arc, OnceLock};
pub use write::{Form, Operation, Transforms, Write, Writes, Written};

/// The operations that are served as REST. Whoever implements them decides on permissions, validates and stores.
pub trait Backend: Clone + Send + Sync + 'static {
    /// The revision that is served now. Fails before the first one is loaded.
    fn catalog(&self) -> Result<Arc<Catalog>, Error>;

    /// Reads one record, as it is, or as it was at `read_time` (microseconds since the Unix epoch) if its model keeps a
    /// history.
    fn get(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        view: &View,
        read_time: Option<i64>,
    ) -> impl Future<Output = Result<(Stored, Included), Error>> + Send;

    /// Reads several records, in the order of their ids. If one is not there, none is read.
    fn batch_get(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        ids: &[String],
        view: &View,
    ) -> impl Future<Output = Result<(Vec<Stored>, Included), Error>> + Send;

    /// Reads a page of the records that match.
    fn list(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &ListQuery,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

    /// Reads a page of the records that refer to the record `id`, by the place of the way back in [`Model::referrers`].
    /// The records are of the referrer's model.
    fn list_related(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        referrer: usize,
        query: &ListQuery,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

    /// Says how a list would be run.
    fn explain_list(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &ListQuery,
    ) -> impl Future<Output = Result<Explanation, Error>> + Send;

    /// Computes over records.
    fn aggregate(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &AggregateQuery,
    ) -> impl Future<Output = Result<AggregateResponse, Error>> + Send;

    /// Begins a watch. The events come as they are committed, until the stream ends with an error: it has no other end.
    fn watch(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &WatchQuery,
    ) -> impl Future<Output = Result<WatchStream, Error>> + Send;

    /// Reads a page of what a record was, the newest first, of a model that keeps a history.
    fn list_revisions(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        query: &HistoryQuery,
    ) -> impl Future<Output = Result<HistoryPage, Error>> + Send;

    /// Writes records: all that is asked for, or nothing. The models are of one revision.
    fn write(&self, caller: &Caller, writes: Writes) -> impl Future<Output = Result<Written, Error>> + Send;
}

/// What is shown of records that are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Paths of fields (AIP-157), by proto names or JSON names; empty, or only `*`: all of them.
    pub read_mask: Vec<String>,
    /// Relations to follow, such as `author` or `author.books.publisher`.
    pub expand: Vec<String>,
}

/// Which records are asked for, in which order. Everything is as the caller sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// At most so many; 0: as many as the backend likes.
    pub page_size: i32,
    /// Empty: from the first.
    pub page_token: String,
    /// CEL; empty: all.
    pub filter: String,
    /// Empty: by id.
    pub order_by: String,
    /// How many records to leave out before the page.
    pub skip: i32,
    pub count: Count,
    /// Whether a query that no index serves may read a large table.
    pub allow_scan: bool,
    /// Whether deleted records are listed too; only where the listed model keeps them.
    pub show_deleted: bool,
    pub view: View,
}

/// What to compute, over which records. Everything is as the caller sent it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AggregateQuery {
    /// CEL; empty: all.
    pub filter: String,
    pub group_by: Vec<String>,
    pub aggregations: Vec<Aggregation>,
    pub allow_scan: bool,
}

/// The name of an aggregation in the answer: the caller's, or one of the function and the field.
pub fn value_name(aggregation: &Aggregation) -> String {
    if !aggregation.name.is_empty() {
        return aggregation.name.clone();
    }
    let function = aggregation.function().as_str_name().trim_start_matches("FUNCTION_").to_lowercase();
    let field = aggregation.field.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    if field.is_empty() { function } else { format!("{function}_{field}") }
}

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

/// Which part of a record's history is asked for. Everything is as the caller sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// At most so many; 0: as many as the backend likes.
    pub page_size: i32,
    /// Empty: from the newest.
    pub page_token: String,
    /// As in [`View`].
    pub read_mask: Vec<String>,
}

/// A part of a record's history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryPage {
    pub revisions: Vec<RecordRevision>,
    /// Where the next page starts; empty behind the oldest.
    pub next_page_token: String,
}

/// What one write made of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordRevision {
    pub kind: ChangeKind,
    /// The record behind the write, as far as the read mask shows it, with its etag; with DELETED as it was last.
    pub stored: Stored,
    /// When it was written, in microseconds since the Unix epoch.
    pub time: i64,
    /// Who wrote it.
    pub principal: String,
    /// With UPDATED: the names of the fields that changed.
    pub changed_fields: Vec<String>,
    /// The same for all changes of one transaction.
    pub transaction: String,
}
