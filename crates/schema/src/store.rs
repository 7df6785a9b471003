//! Queries, one file a table.
//!
//! Each takes a connection and answers what the database says; what an answer means is decided above. Functions that
//! only make sense inside a transaction end in `_in_transaction`. Time is the database's own clock throughout, so that
//! processes whose clocks differ agree on who is alive.

pub(crate) mod events;
pub(crate) mod followers;
pub(crate) mod revision_rows;
pub(crate) mod revisions;
pub(crate) mod storage_names;

use diesel::data_types::PgInterval;
use std::time::Duration;

/// A duration as the database counts it.
fn interval(duration: Duration) -> PgInterval {
    PgInterval::from_microseconds(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}
