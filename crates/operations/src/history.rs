//! The history of one record.

use groundplan_codec::Stored;
use groundplan_proto::watch::v1::ChangeKind;

/// A request for a page of a record's history. All values are as the caller sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The maximum number of revisions; 0: the default.
    pub page_size: i32,
    /// Empty: from the newest.
    pub page_token: String,
    /// As in [`View`].
    pub read_mask: Vec<String>,
}

/// A page of a record's history, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryPage {
    pub revisions: Vec<RecordRevision>,
    /// The token for the next page; empty after the oldest revision.
    pub next_page_token: String,
}

/// The result of one write to a record.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordRevision {
    pub kind: ChangeKind,
    /// The record after the write, limited to the read mask, with its etag. With DELETED: the last state.
    pub stored: Stored,
    /// The time of the write, in microseconds since the Unix epoch.
    pub time: i64,
    /// The principal that wrote it.
    pub principal: String,
    /// With UPDATED: the names of the fields that changed.
    pub changed_fields: Vec<String>,
    /// An id that all changes of one transaction share.
    pub transaction: String,
}
