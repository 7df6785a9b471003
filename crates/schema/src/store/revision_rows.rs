//! The rows of the table `revisions`.

use crate::tables::revisions;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use groundplan_proto::schema::v1::{self, RevisionState};
use prost_types::Timestamp;
use serde_json::Value;

pub(crate) const PREPARING: i16 = RevisionState::Preparing as i16;
pub(crate) const LIVE: i16 = RevisionState::Live as i16;
pub(crate) const FAILED: i16 = RevisionState::Failed as i16;

/// A complete row.
#[derive(Debug, HasQuery)]
#[diesel(table_name = revisions)]
pub(crate) struct Revision {
    pub(crate) number: i64,
    pub(crate) state: i16,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) descriptor_set: Vec<u8>,
    pub(crate) steps: Value,
    pub(crate) failure: Option<String>,
}

/// A row without its large columns.
#[derive(Debug, HasQuery)]
#[diesel(table_name = revisions)]
pub(crate) struct Summary {
    pub(crate) number: i64,
    pub(crate) state: i16,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) failure: Option<String>,
}

/// A new revision.
#[derive(Debug, Insertable)]
#[diesel(table_name = revisions)]
pub(crate) struct NewRevision<'a> {
    pub(crate) number: i64,
    pub(crate) state: i16,
    pub(crate) descriptor_set: &'a [u8],
    pub(crate) steps: &'a Value,
}

impl From<Summary> for v1::Revision {
    fn from(revision: Summary) -> Self {
        Self {
            number: revision.number,
            state: i32::from(revision.state),
            created_at: Some(timestamp(revision.created_at)),
            failure: revision.failure.unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// Converts a time of the database to the wire format.
pub(crate) fn timestamp(time: DateTime<Utc>) -> Timestamp {
    // Leap seconds would have 1e9 nanoseconds and more; PostgreSQL has none.
    let nanos = i32::try_from(time.timestamp_subsec_nanos()).unwrap_or(0).min(999_999_999);
    Timestamp { seconds: time.timestamp(), nanos }
}
