//! The time of records.

use groundplan_codec::Value;
use groundplan_codec::timestamp_parts;
use groundplan_error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the current time in microseconds since the Unix epoch.
pub(crate) fn now() -> Result<i64, Error> {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::internal)?;
    i64::try_from(elapsed.as_micros()).map_err(Error::internal)
}

/// Converts microseconds since the Unix epoch to a protobuf timestamp.
pub(crate) fn timestamp(micros: i64) -> prost_types::Timestamp {
    let (seconds, nanos) = timestamp_parts(micros);
    prost_types::Timestamp { seconds, nanos: i32::try_from(nanos).unwrap_or_default() }
}

/// Returns the time of an update. It is not earlier than `before`, although clocks differ between processes and can be set back.
pub(crate) fn later(before: Option<&Value>, now: i64) -> i64 {
    match before {
        Some(Value::Timestamp(before)) => now.max(*before),
        _ => now,
    }
}
