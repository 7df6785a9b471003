//! Errors as responses, in the caller's protocol.

use groundplan_call::{Cause, envelope};
use groundplan_error::Error;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response};
use tonic::body::Body;

/// Returns the response for `error`: a gRPC response of trailers only, or the REST envelope.
pub fn error_response(error: &Error, grpc: bool) -> Response<Body> {
    if !grpc {
        return envelope(error, None).map(Body::new);
    }
    let mut response = error.to_status().into_http();
    response.extensions_mut().insert(Cause(error.log_text()));
    response
}

/// The protocol of a request, by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestProtocol {
    /// Not gRPC.
    Rest,
    Grpc,
    /// gRPC-Web, with the content type in the spelling of its library.
    Web(&'static str),
    /// gRPC with messages in another format than protobuf.
    UnsupportedGrpc,
}

impl RequestProtocol {
    /// Media types are case-insensitive, and can have parameters.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let value = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let Some((head, rest)) = essence.split_at_checked(GRPC.len()) else { return Self::Rest };
        if !head.eq_ignore_ascii_case(GRPC) {
            return Self::Rest;
        }
        match rest.to_ascii_lowercase().as_slice() {
            b"" | b"+proto" => Self::Grpc,
            b"-web" | b"-web+proto" => Self::Web("application/grpc-web+proto"),
            b"-web-text" | b"-web-text+proto" => Self::Web("application/grpc-web-text+proto"),
            rest if [&b"+"[..], b"-web+", b"-web-text+"].iter().any(|start| rest.starts_with(start)) => {
                Self::UnsupportedGrpc
            }
            _ => Self::Rest,
        }
    }
}

const GRPC: &[u8] = b"application/grpc";

/// Checks whether a request is gRPC or gRPC-Web, by its content type.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    RequestProtocol::from_headers(headers) != RequestProtocol::Rest
}

#[cfg(test)]
mod tests {
    use super::{Cause, RequestProtocol, error_response, is_grpc};
    use groundplan_error::{Error, Reason};
    use http::{HeaderMap, HeaderValue};
    use http_body_util::BodyExt as _;
    use std::time::Duration;

    #[tokio::test]
    async fn each_protocol_has_its_own_form() {
        let error = Error::new(Reason::CredentialsInvalid, "send a key").caused_by("the cause");
        let grpc = error_response(&error, true);
        assert_eq!(grpc.status(), 200);
        assert_eq!(grpc.headers()["grpc-status"], "16");
        let rest = error_response(&error, false);
        assert_eq!(rest.status(), 401);
        assert_eq!(rest.headers()["www-authenticate"], "Bearer");
        assert!(rest.extensions().get::<Cause>().unwrap().0.contains("the cause"));
        let body = rest.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(br#"{"error":{"code":"UNAUTHENTICATED""#), "{body:?}");
        assert!(!String::from_utf8_lossy(&body).contains("the cause"));
    }

    #[test]
    fn a_retry_delay_is_rounded_up() {
        for (delay, header) in [(1, "1"), (1_500, "2"), (60_000, "60")] {
            let error = Error::new(Reason::NotReady, "starting").retry_after(Duration::from_millis(delay));
            let response = error_response(&error, false);
            assert_eq!(response.status(), 503);
            assert_eq!(response.headers()["retry-after"], header);
        }
    }

    #[test]
    fn a_gateway_knows_which_calls_were_not_started() {
        let starting = Error::new(Reason::NotReady, "starting").not_started();
        for grpc in [true, false] {
            assert_eq!(error_response(&starting, grpc).headers()["groundplan-untouched"], "true");
        }
        let stopping = Error::new(Reason::NotReady, "stopping");
        assert!(!error_response(&stopping, false).headers().contains_key("groundplan-untouched"));
    }

    #[test]
    fn the_content_type_selects_the_protocol() {
        for (value, expected) in [
            ("application/grpc", RequestProtocol::Grpc),
            ("APPLICATION/gRPC+Proto", RequestProtocol::Grpc),
            ("application/grpc; charset=utf-8", RequestProtocol::Grpc),
            ("application/grpc-web", RequestProtocol::Web("application/grpc-web+proto")),
            ("Application/Grpc-Web-Text", RequestProtocol::Web("application/grpc-web-text+proto")),
            ("application/grpc+json", RequestProtocol::UnsupportedGrpc),
            ("application/grpc-web-text+json", RequestProtocol::UnsupportedGrpc),
            ("application/grpcx", RequestProtocol::Rest),
            ("application/json", RequestProtocol::Rest),
        ] {
            let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(value))]);
            assert_eq!(RequestProtocol::from_headers(&headers), expected, "{value}");
            assert_eq!(is_grpc(&headers), expected != RequestProtocol::Rest, "{value}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }
}
