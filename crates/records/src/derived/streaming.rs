//! Streams of responses, and how they end.

use super::codec::Reply;
use futures_util::stream::BoxStream;
use groundplan_error::{Error, Reason};
use tonic::Status;

/// The messages of an answer.
pub(super) type Replies = BoxStream<'static, Result<Reply, Status>>;

/// The status of a stream that ends with an error. Its headers went out long before, so that nobody else logs its cause.
pub(crate) fn ended(error: Error) -> Status {
    if error.reason() == Reason::Internal {
        tracing::error!(error = error.log_text(), "a watch failed");
    }
    error.to_status()
}
