//! Reads the body of a request, within a limit, and checks that its headers declare JSON.

use crate::rest_error::RestError;
use axum::body::Body;
use bytes::Bytes;
use groundplan_error::{Error, Reason};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

/// The media type of a JSON merge patch (RFC 7396).
const MERGE_PATCH: &str = "application/merge-patch+json";

/// Whether the Content-Type is a JSON merge patch.
pub(crate) fn is_merge_patch(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    essence(value) == MERGE_PATCH
}

/// Reads a JSON body of at most `limit` bytes without parsing it. Merge patches are rejected.
pub(crate) async fn read_json(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, RestError> {
    if is_merge_patch(headers) {
        let message = "only PATCH accepts a merge patch; send the body as application/json";
        return Err(RestError::media_type(message));
    }
    read_patch(headers, body, limit).await
}

/// Does the same for a PATCH, whose body can be a merge patch.
pub(crate) async fn read_patch(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, RestError> {
    check_headers(headers)?;
    let bytes = read(body, limit).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        let message = "the body is empty; send a JSON object";
        return Err(Error::new(Reason::MalformedRequest, message).into());
    }
    Ok(bytes)
}

/// Reads an optional JSON body of at most `limit` bytes without parsing it.
pub(crate) async fn read_optional_json(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Option<Bytes>, RestError> {
    let bytes = read(body, limit).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    check_headers(headers)?;
    Ok(Some(bytes))
}

/// Checks that the request has no body.
pub(crate) async fn expect_none(body: Body, way_out: &str) -> Result<(), RestError> {
    match Limited::new(body, 0).collect().await {
        Ok(_) => Ok(()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Error::new(Reason::MalformedRequest, format!("this method has no body; {way_out}")).into())
        }
        Err(error) => Err(ended_early(error).into()),
    }
}

async fn read(body: Body, limit: usize) -> Result<Bytes, RestError> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(RestError::too_large(format!("the body is larger than {limit} bytes; send fewer records per request")))
        }
        Err(error) => Err(ended_early(error).into()),
    }
}

fn ended_early(cause: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::new(Reason::MalformedRequest, "the body ended early").caused_by(cause)
}

fn check_headers(headers: &HeaderMap) -> Result<(), RestError> {
    if let Some(encoding) = headers.get(CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        return Err(RestError::media_type(format!(
            "the body is encoded as {encoding:?}; send it without Content-Encoding"
        )));
    }
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(()),
        (Some(value), None) if value.to_str().is_ok_and(is_json) => Ok(()),
        (Some(value), None) => Err(RestError::media_type(format!(
            "the Content-Type is {value:?}; send JSON with Content-Type: application/json"
        ))),
        (Some(_), Some(_)) => {
            Err(RestError::media_type("Content-Type is given more than once; send application/json only"))
        }
    }
}

/// A media type without its parameters.
fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type is JSON that can be a record, or the default of `curl -d`.
fn is_json(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    parts.next();
    let essence = essence(media_type);
    let is_utf8 = |part: String| match part.strip_prefix("charset=") {
        Some(charset) => matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"),
        None => true,
    };
    let is_known = match essence.as_str() {
        "application/json" | "application/x-www-form-urlencoded" => true,
        // A list of operations (RFC 6902), not a record.
        "application/json-patch+json" => false,
        other => other.starts_with("application/") && other.ends_with("+json"),
    };
    is_known && parts.all(is_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types() {
        for good in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/merge-patch+json",
            "application/x-www-form-urlencoded",
            "application/json;profile=x; charset=\"utf-8\"",
        ] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "text/json",
            "application/json-patch+json",
            "application/json; charset=latin1",
            "application/xml",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
