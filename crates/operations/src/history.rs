//! The history of one record.

use groundplan_codec::Stored;
use groundplan_proto::watch::v1::ChangeKind;

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
