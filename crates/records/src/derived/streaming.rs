//! Streams of responses, and their errors.

use super::codec::Reply;
use futures_util::stream::BoxStream;
use groundplan_error::{Error, Reason};
use tonic::Status;

/// The messages of a response.
pub(super) type Replies = BoxStream<'static, Result<Reply, Status>>;

/// Returns the status of a stream that ends with an error. Logs internal errors: the headers were sent long before, so no layer
/// logs them.
pub(crate) fn ended(error: Error) -> Status {
    if error.reason() == Reason::Internal {
        tracing::error!(error = error.log_text(), "a watch failed");
    }
    error.to_status()
}
