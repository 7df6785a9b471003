//! The time of records.

use groundplan_error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in microseconds since the Unix epoch.
pub(crate) fn now() -> Result<i64, Error> {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::internal)?;
    i64::try_from(elapsed.as_micros()).map_err(Error::internal)
}
