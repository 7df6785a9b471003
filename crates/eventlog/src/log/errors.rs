//! Errors of positions that cannot be read.

use groundplan_error::{Error, Reason};
use std::time::Duration;

/// The error for a read on a server that the tail has not reached yet.
pub(super) fn server_changed() -> Error {
    let message = "the database was restarted or replaced, and the event log is reconnecting; try again";
    Error::new(Reason::NotReady, message).retry_after(Duration::from_secs(1))
}

/// The error for a position in a log that was replaced.
pub(crate) fn log_replaced() -> Error {
    Error::new(Reason::PositionGone, "the event log was replaced; start again without a token")
}

/// The error for a position whose events were dropped.
pub(super) fn position_dropped(retention: Duration) -> Error {
    let hours = retention.as_secs() / 3_600;
    let message =
        format!("the token is older than the event log, which keeps {hours} hours; start again without a token");
    Error::new(Reason::PositionGone, message)
}
