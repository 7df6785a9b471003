//! Errors as HTTP responses, with the statuses that only HTTP has.

use axum::body::Body;
use groundplan_call::envelope;
use groundplan_error::{Error, Reason};
use http::header::{ALLOW, HeaderName, HeaderValue};
use http::{Response, StatusCode};

/// The header that lists the media types of a PATCH (RFC 5789).
pub(crate) const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// The media types of a PATCH.
pub(crate) const PATCH_MEDIA_TYPES: HeaderValue =
    HeaderValue::from_static("application/merge-patch+json, application/json");

/// The error of a request. It is boxed so that a `Result` with it is small.
#[derive(Debug)]
pub(crate) struct RestError(Box<Parts>);

#[derive(Debug)]
struct Parts {
    error: Error,
    /// Replaces the status and the `error.code` of the error's reason.
    instead: Option<(StatusCode, &'static str)>,
    allow: Option<String>,
    lists_patch_media_types: bool,
}

impl From<Error> for RestError {
    fn from(error: Error) -> Self {
        Self(Box::new(Parts { error, instead: None, allow: None, lists_patch_media_types: false }))
    }
}

impl RestError {
    /// The path exists, but does not support this HTTP method.
    pub(crate) fn method(method: &http::Method, path: &str, allow: impl Into<String>) -> Self {
        let allow = allow.into();
        let message = format!("{path} does not support {method}; supported methods: {allow}");
        let mut rest_error = Self::with_status(
            Error::new(Reason::MethodUnknown, message),
            StatusCode::METHOD_NOT_ALLOWED,
            "UNIMPLEMENTED",
        );
        rest_error.0.allow = Some(allow);
        rest_error
    }

    /// The body is too large.
    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::with_status(Error::new(Reason::TooLarge, message), StatusCode::PAYLOAD_TOO_LARGE, "INVALID_INPUT")
    }

    /// The headers do not declare JSON.
    pub(crate) fn media_type(message: impl Into<String>) -> Self {
        let error = Error::new(Reason::MalformedRequest, message);
        Self::with_status(error, StatusCode::UNSUPPORTED_MEDIA_TYPE, "INVALID_INPUT")
    }

    /// A condition in a header is not met.
    pub(crate) fn precondition(error: Error) -> Self {
        Self::with_status(error, StatusCode::PRECONDITION_FAILED, "CONFLICT")
    }

    /// Adds the supported media types to the error of a PATCH, if its media type is wrong.
    pub(crate) fn with_patch_media_types(mut self) -> Self {
        let is_of_media_type = matches!(self.0.instead, Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, _)));
        self.0.lists_patch_media_types = is_of_media_type;
        self
    }

    fn with_status(error: Error, status: StatusCode, code: &'static str) -> Self {
        Self(Box::new(Parts { error, instead: Some((status, code)), allow: None, lists_patch_media_types: false }))
    }

    /// The response. Its extensions carry the details for the log.
    pub(crate) fn into_response(self) -> Response<Body> {
        let Parts { error, instead, allow, lists_patch_media_types } = *self.0;
        let mut response = envelope(&error, instead);
        if let Some(allow) = allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
            response.headers_mut().insert(ALLOW, allow);
        }
        if lists_patch_media_types {
            response.headers_mut().insert(ACCEPT_PATCH, PATCH_MEDIA_TYPES);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::WWW_AUTHENTICATE;

    #[test]
    fn http_statuses_override_the_status_of_the_reason() {
        let method = RestError::method(&http::Method::PUT, "/api/v1/books", "GET, POST").into_response();
        assert_eq!(method.status(), 405);
        assert_eq!(method.headers()[ALLOW], "GET, POST");
        assert_eq!(RestError::too_large("x").into_response().status(), 413);
        assert_eq!(RestError::media_type("x").into_response().status(), 415);
        assert_eq!(RestError::precondition(Error::new(Reason::EtagMismatch, "x")).into_response().status(), 412);
    }

    #[test]
    fn unauthenticated_errors_name_the_scheme() {
        let response = RestError::from(Error::new(Reason::CredentialsInvalid, "no")).into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[WWW_AUTHENTICATE]),
            (401, &HeaderValue::from_static("Bearer"))
        );
    }
}
