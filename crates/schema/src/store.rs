//! Queries, one file per table.
//!
//! Each function takes a connection and returns the database's result; callers interpret it. Functions that require a
//! transaction end in `_in_transaction`. All times come from the database's clock, so that processes with different
//! clocks agree on which followers are alive.

pub(crate) mod events;
pub(crate) mod followers;
pub(crate) mod revision_rows;
pub(crate) mod revisions;
pub(crate) mod storage_names;

use diesel::data_types::PgInterval;
use std::time::Duration;

/// Converts a duration to a PostgreSQL interval.
fn interval(duration: Duration) -> PgInterval {
    PgInterval::from_microseconds(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}
