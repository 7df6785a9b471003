//! The version and the event of a row.

use crate::call::Call;
use crate::clock::now;
use bytes::Bytes;
use groundplan_codec::Record;
use groundplan_error::Error;

/// The version and the event of a row.
pub(crate) struct Written {
    pub(crate) version: i64,
    /// A `groundplan.records.v1.Change`.
    pub(crate) payload: Bytes,
    /// Whether the row contains a creation time.
    pub(crate) has_created_at: bool,
}

impl Written {
    /// Returns the version and event of a record that is created at a time.
    pub(crate) fn created(call: &Call<'_>, record: &Record, time: i64, has_created_at: bool) -> Self {
        let event = call.author(time).created(&call.table.model, record, time);
        Self { version: time, payload: event.payload, has_created_at }
    }

    /// Returns the version and event of an update of a record with this version.
    pub(crate) fn updated(call: &Call<'_>, before: &Record, after: &Record, version: i64) -> Result<Self, Error> {
        let version = version + 1;
        let event = call.author(now()?).updated(&call.table.model, before, after, version);
        Ok(Self { version, payload: event.payload, has_created_at: true })
    }
}
