//! The time of records.

use groundplan_codec::Value;
use groundplan_codec::timestamp_parts;
use groundplan_error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in microseconds since the Unix epoch.
pub(crate) fn now() -> Result<i64, Error> {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::internal)?;
    i64::try_from(elapsed.as_micros()).map_err(Error::internal)
}

/// Microseconds since the Unix epoch as protobuf has them.
pub(crate) fn timestamp(micros: i64) -> prost_types::Timestamp {
    let (seconds, nanos) = timestamp_parts(micros);
    prost_types::Timestamp { seconds, nanos: i32::try_from(nanos).unwrap_or_default() }
}

/// The time of this update. Clocks differ between processes and are set back; a record's times are not.
pub(crate) fn later(before: Option<&Value>, now: i64) -> i64 {
    match before {
        Some(Value::Timestamp(before)) => now.max(*before),
        _ => now,
    }
}
