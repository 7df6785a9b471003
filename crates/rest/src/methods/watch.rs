//! GET `:watch`: streams changes.

use super::{Call, Request};
use crate::enum_params::START;
use crate::limits::MAX_EVENT_ID;
use crate::parameter_errors::{invalid_parameter, with_rest_names};
use crate::query::Query;
use crate::response;
use crate::rest_error::RestError;
use axum::body::Body;
use groundplan_error::Error;
use groundplan_operations::{Backend, WatchQuery};
use groundplan_proto::watch::v1::Start;
use http::{HeaderMap, HeaderName, HeaderValue, Response};

/// The query parameters, which are the fields of the gRPC request.
pub(super) const PARAMETERS: &[&str] = &["filter", "readMask", "start", "token", "withPrevious", "allowScan"];

/// The header with the last event that a browser's `EventSource` received before its connection broke.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let asked = read(&request.headers, &request.query)?;
    let events = call.backend.watch(&call.caller, &call.model, &asked).await;
    let events = events.map_err(|error| with_rest_names(error, PARAMETERS))?;
    Ok(response::events(events, asked.read_mask))
}

fn read(headers: &HeaderMap, query: &Query) -> Result<WatchQuery, Error> {
    let mut asked = WatchQuery {
        filter: query.text("filter"),
        read_mask: query.names("readMask")?,
        start: query.choice("start", &START)?,
        token: query.text("token"),
        with_previous: query.flag("withPrevious")?,
        allow_scan: query.flag("allowScan")?,
    };
    // A browser reconnects with its first URL: only the header has the current token.
    if let Some(token) = last_event_id(headers)? {
        (asked.start, asked.token) = (Start::Unspecified, token);
    }
    Ok(asked)
}

/// The id of the last event that the client received; none if the header is empty, as before the first event.
fn last_event_id(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let visible = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        let is_token = bytes.len() <= MAX_EVENT_ID && bytes.iter().all(u8::is_ascii_graphic);
        value.to_str().ok().filter(|_| is_token).map(str::to_owned)
    };
    let mut values = headers.get_all(LAST_EVENT_ID).iter();
    match (values.next().map(visible), values.next()) {
        (None, _) => Ok(None),
        (Some(Some(token)), None) => Ok(Some(token).filter(|token| !token.is_empty())),
        _ => {
            let description = format!(
                "must be the id of one event: at most {MAX_EVENT_ID} bytes of visible ASCII; leave it out to start again"
            );
            Err(invalid_parameter("Last-Event-ID", "last_event_id", description))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(values: &[&[u8]]) -> Result<Option<String>, String> {
        let value = |bytes: &&[u8]| (LAST_EVENT_ID, HeaderValue::from_bytes(bytes).unwrap());
        last_event_id(&values.iter().map(value).collect()).map_err(|error| error.message().into_owned())
    }

    #[test]
    fn one_id_of_visible_characters() {
        assert_eq!(token(&[]), Ok(None));
        assert_eq!(token(&[b""]), Ok(None));
        assert_eq!(token(&[b"a-_=~!"]), Ok(Some("a-_=~!".to_owned())));
        let longest = "x".repeat(MAX_EVENT_ID);
        assert_eq!(token(&[longest.as_bytes()]), Ok(Some(longest.clone())));
        let long = format!("{longest}x");
        for bad in [&[b"a".as_slice(), b"b"] as &[&[u8]], &[b"a b"], &[b"a\tb"], &[b"\xc3\xbc"], &[long.as_bytes()]] {
            assert!(token(bad).unwrap_err().starts_with("\"Last-Event-ID\" must be the id of one event"), "{bad:?}");
        }
    }
}
