//! An error as the answer to a call, in the caller's own protocol.

use groundplan_error::Error;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tonic::body::Body;
use tonic::{Code, Status};

/// The whole story of a refusal, for the log: it travels in the response's extensions, and never leaves the server.
#[derive(Clone, Debug)]
pub struct Cause(pub String);

/// The answer for `error`: a gRPC response that consists of trailers only, or the REST envelope.
pub fn refuse(error: &Error, grpc: bool) -> Response<Body> {
    let mut response = if grpc { error.to_status().into_http() } else { envelope(error) };
    response.extensions_mut().insert(Cause(error.log_text()));
    response
}

/// The status for an error in the middle of a stream. The head of the answer has gone, so a failure of ours is logged here.
pub fn stream_status(error: Error) -> Status {
    let status = error.to_status();
    if matches!(status.code(), Code::Internal | Code::Unknown | Code::DataLoss) {
        tracing::error!(cause = error.log_text(), "a stream failed");
    }
    status
}

/// Whether a request speaks gRPC or gRPC-Web: by its content type.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// The REST form.
fn envelope(error: &Error) -> Response<Body> {
    let (status, json) = error.to_envelope();
    let mut response = Response::new(Body::new(axum::body::Body::from(json.to_string())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == 401 {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::{Cause, is_grpc, refuse};
    use groundplan_error::{Error, Reason};
    use http::{HeaderMap, HeaderValue};
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn each_protocol_gets_its_own_form() {
        let error = Error::new(Reason::CredentialsInvalid, "send a key").caused_by("the cause");
        let grpc = refuse(&error, true);
        assert_eq!(grpc.status(), 200);
        assert_eq!(grpc.headers()["grpc-status"], "16");
        let rest = refuse(&error, false);
        assert_eq!(rest.status(), 401);
        assert_eq!(rest.headers()["www-authenticate"], "Bearer");
        assert!(rest.extensions().get::<Cause>().unwrap().0.contains("the cause"));
        let body = rest.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(br#"{"error":{"code":"UNAUTHENTICATED""#), "{body:?}");
        assert!(!String::from_utf8_lossy(&body).contains("the cause"));
    }

    #[test]
    fn the_content_type_decides() {
        for (value, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc-web-text", true),
            ("application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(value))]);
            assert_eq!(is_grpc(&headers), expected, "{value}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }
}
