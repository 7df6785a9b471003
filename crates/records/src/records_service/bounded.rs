//! Limits commits before they are decoded: an empty write is two bytes on the wire, but hundreds of bytes in memory.

use crate::derived::reader::{Reader, Wire};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::ready;
use futures_util::stream;
use groundplan_budget::Budget;
use groundplan_chassis::respond::error_response;
use groundplan_error::{Error, Reason};
use groundplan_operations::limits::MAX_BATCH;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

/// The method that receives a list of messages.
const COMMIT: &str = "/groundplan.records.v1.RecordsService/Commit";

/// The size of the header of a gRPC message in bytes: the compression flag and the length.
const HEAD: usize = 5;

/// The number of the field of the writes.
const WRITES: u32 = 1;

/// The memory to hold for each byte of a commit after its writes are counted: an empty path of a mask is two bytes, and a string
/// in memory.
pub(super) const MEMORY: usize = 12;

/// Rejects commits with too many writes, and holds the memory for the others. All other errors are detected when the message is
/// decoded.
pub(crate) async fn bound(State(most): State<usize>, request: Request, next: Next) -> Response {
    if request.uri().path() != COMMIT {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let bytes = match Limited::new(body, most + HEAD).collect().await {
        Ok(read) => read.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("the request is longer than {most} bytes; split it up, or raise the limit");
            return error_response(&Error::new(Reason::TooLarge, message), true).map(Body::new);
        }
        // Errors of outer layers in the body have their own status, which tonic returns.
        Err(error) => {
            let failing = Body::from_stream(stream::once(ready(Err::<Bytes, _>(error))));
            return next.run(Request::from_parts(parts, failing)).await;
        }
    };
    match hold(&bytes, parts.extensions.get::<Budget>()) {
        Ok(()) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(error) => error_response(&error, true).map(Body::new),
    }
}

/// Counts the writes of a commit, and holds the memory for decoding them.
fn hold(bytes: &[u8], budget: Option<&Budget>) -> Result<(), Error> {
    let message = bytes.get(HEAD..).unwrap_or_default();
    let writes = count(message);
    if writes > MAX_BATCH {
        let words = format!("must be 1 to {MAX_BATCH}, not {writes}; split a longer list up");
        return Err(Error::field("writes", "repeated.max_items", words));
    }
    if let Some(budget) = budget {
        budget.hold(message.len().saturating_mul(MEMORY))?;
    }
    Ok(())
}

/// Returns the number of writes in a message, up to the first malformed field.
fn count(message: &[u8]) -> usize {
    let (mut reader, mut writes) = (Reader(message), 0);
    while let Ok(Some((number, value))) = reader.next() {
        writes += usize::from(number == WRITES && matches!(value, Wire::Delimited(_)));
    }
    writes
}

#[cfg(test)]
mod tests {
    use super::{HEAD, MAX_BATCH, count, hold};
    use groundplan_budget::{Budget, DEFAULT, Memory};
    use groundplan_error::Reason;

    #[test]
    fn writes_are_counted_before_they_are_decoded() {
        let body = |writes: usize| [&[0; HEAD][..], &[0x0A, 0].repeat(writes)].concat();
        assert!(hold(&body(MAX_BATCH), None).is_ok());
        let error = hold(&body(MAX_BATCH + 1), None).unwrap_err();
        assert_eq!(error.violations()[0].field, "writes");
        assert_eq!(count(&[0x0A, 9]), 0);
    }

    #[test]
    fn the_memory_for_a_commit_is_held_before_it_is_decoded() {
        let budget = Budget::for_request(DEFAULT, &Memory::new(1 << 20), None);
        let body = [&[0; HEAD][..], &[0x12], &[0xFF, 0xFF, 3], &[b'x'; 65_535][..]].concat();
        assert!(hold(&body, Some(&budget)).is_ok());
        assert!(budget.held() > 12 * 65_535);
        assert_eq!(hold(&body, Some(&budget)).unwrap_err().reason(), Reason::MemoryExhausted);
    }
}
