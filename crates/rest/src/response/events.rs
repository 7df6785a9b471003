//! A watch as server-sent events (WHATWG `EventSource`).

use super::object::{Object, RECORD_ROOM};
use crate::projection::Projection;
use crate::time;
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use groundplan_operations::{WatchEvent, WatchStream};
use groundplan_proto::watch::v1::Removal;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response};
use std::convert::Infallible;

/// Browsers reconnect a second after a watch has ended.
const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n\n");

/// The prefixes of the names in the `.proto`.
const KIND: &str = "EVENT_KIND_";
const REMOVAL: &str = "REMOVAL_";

/// The response, which lasts until the watch ends. Dropping its body drops the watch.
pub(crate) fn events(events: WatchStream, read_mask: Vec<String>) -> Response<Body> {
    let chunks = stream::unfold(Some((events, read_mask)), |open| async {
        let (mut events, read_mask) = open?;
        match events.next().await?.and_then(|event| encoded(&event, &read_mask)) {
            Ok(chunk) => Some((chunk, Some((events, read_mask)))),
            Err(error) => Some((failure(error), None)),
        }
    });
    let chunks = stream::once(async { RETRY }).chain(chunks);
    let mut response = Response::new(Body::from_stream(chunks.map(Ok::<_, Infallible>)));
    *response.headers_mut() = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Otherwise proxies such as nginx buffer events.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ]);
    response
}

/// The text of an event. It is encoded once for all watchers with the same mask.
fn encoded(event: &WatchEvent, read_mask: &[String]) -> Result<Bytes, Error> {
    event.encoded.sse.get_or_write(event.memory.as_ref(), || text(event, read_mask).map(Bytes::from))
}

fn text(event: &WatchEvent, read_mask: &[String]) -> Result<Vec<u8>, Error> {
    let kind = event.kind.as_str_name();
    let mut out = Vec::with_capacity(2 * RECORD_ROOM);
    out.extend_from_slice(format!("event: {}\n", kind.strip_prefix(KIND).unwrap_or(kind)).as_bytes());
    out.extend_from_slice(format!("id: {}\n", event.token).as_bytes());
    // The JSON is one line: the codec writes no line breaks, and those in strings are escaped.
    out.extend_from_slice(b"data: ");
    let mut object = Object::new(&mut out);
    if let Some(model) = &event.model {
        // The id identifies the record, even if the mask leaves it out.
        change(event, model, Projection::with_id(model, read_mask)?.as_ref(), &mut object);
    }
    object.end();
    out.extend_from_slice(b"\n\n");
    Ok(out)
}

fn change(event: &WatchEvent, model: &Model, shown: Option<&Projection>, object: &mut Object<'_>) {
    if let Some(record) = &event.record {
        object.record("data", model, shown, &record.get());
    }
    if let Some(previous) = &event.previous {
        object.record("previous", model, shown, &previous.get());
    }
    object.fields("changedFields", model, &event.changed_fields);
    if event.removal != Removal::Unspecified {
        let removal = event.removal.as_str_name();
        object.member("removal", removal.strip_prefix(REMOVAL).unwrap_or(removal));
    }
    if !event.transaction.is_empty() {
        object.member("transaction", event.transaction.as_str());
    }
    if let Some(time) = event.time {
        object.member("time", time::format(time));
    }
}

/// The last event of a failed watch. It has no id, so that the client resumes after the event before it.
fn failure(error: Error) -> Bytes {
    let error = match error.reason() {
        // The status was sent before, so no other layer logs the error.
        Reason::Internal => {
            tracing::error!(error = error.log_text(), "a watch failed");
            Error::internal("in the log")
        }
        _ => error,
    };
    Bytes::from(format!("event: error\ndata: {}\n\n", error.to_envelope().1))
}
