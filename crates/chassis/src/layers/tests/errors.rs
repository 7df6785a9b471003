//! Errors of calls: of the libraries, of panics, and of Groundplan.

use super::{KEY, call, reason, send, status, text};
use crate::layers::{RootKey, stack};
use crate::settings::{Secret, ServerSettings, defaults};
use axum::Router;
use axum::body::Body;
use axum::routing::post;
use bytes::BufMut as _;
use groundplan_budget::Memory;
use groundplan_error::{Error, Reason};
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

#[tokio::test]
async fn a_panic_returns_an_error_without_its_message() {
    for _ in 0..2 {
        let request = Request::get("/panic").header("authorization", format!("Bearer {KEY}"));
        let response = send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key("x-request-id"));
        let body = text(response).await;
        assert!(body.contains("INTERNAL") && !body.contains("message of the panic"), "{body}");
    }
}

#[tokio::test]
async fn errors_of_the_libraries_are_normalized() {
    let frame = |length: u32, message: &[u8]| {
        let mut frame = vec![0];
        frame.put_u32(length);
        frame.extend_from_slice(message);
        frame
    };
    let cases: Vec<(Vec<u8>, Reason)> = vec![
        (frame(5 << 20, b""), Reason::TooLarge),
        (frame(2, b"\x0a\xff"), Reason::MalformedRequest),
        (frame(3, b"\x0a\x01\xff"), Reason::MalformedRequest),
        (frame(9, b"\x0a"), Reason::MalformedRequest),
        (b"\x07\0\0\0\0".to_vec(), Reason::FrameInvalid),
        (b"\x01\0\0\0\0".to_vec(), Reason::FrameInvalid),
        (Vec::new(), Reason::MessageCount),
        (b"\0\0\0\0\0\0\0\0\0\0".to_vec(), Reason::MessageCount),
    ];
    for (body, expected) in cases {
        let request = call("/grpc.health.v1.Health/Check").body(Body::from(body.clone())).unwrap();
        let response = send(request).await;
        assert_eq!(status(response.headers()).code(), expected.code().into(), "{body:?}");
        assert_eq!(reason(response.headers()), expected.name(), "{body:?}: {:?}", status(response.headers()));
    }
    for path in ["/grpc.health.v1.Health/Nothing", "/nothing.v1.Nothing/Get"] {
        let response = send(call(path).body(Body::empty()).unwrap()).await;
        assert_eq!(status(response.headers()).code(), tonic::Code::Unimplemented, "{path}");
        assert!(status(response.headers()).message().contains(path.trim_start_matches('/')));
    }
}

#[tokio::test]
async fn unsupported_compressions_and_formats_are_named() {
    let check = |content_type: &'static str, encoding: &'static str, body: &'static [u8]| {
        let request = Request::post("/grpc.health.v1.Health/Check");
        let request = request.header("content-type", content_type).header("grpc-encoding", encoding);
        send(request.body(Body::from(body)).unwrap())
    };
    let response = check("application/grpc", "br", b"\0\0\0\0\0").await;
    assert_eq!(reason(response.headers()), "ENCODING_NOT_SUPPORTED");
    assert_eq!(response.headers()["grpc-accept-encoding"], "identity,gzip");
    let response = check("application/grpc+json", "identity", b"\0\0\0\0\x02{}").await;
    assert_eq!(reason(response.headers()), "ENCODING_NOT_SUPPORTED");
    assert!(status(response.headers()).message().contains("application/grpc+proto"));
    for content_type in ["APPLICATION/GRPC", "application/grpc; charset=utf-8", "Application/Grpc+Proto"] {
        let response = check(content_type, "identity", b"\0\0\0\0\0").await;
        let trailers = response.into_body().collect().await.unwrap().trailers().cloned().unwrap();
        assert_eq!(trailers["grpc-status"], "0", "{content_type}");
    }
}

#[tokio::test]
async fn invalid_base64_is_an_error_of_the_caller() {
    for body in ["AAAA=", "====", "AAAAAAA", "!!!!"] {
        let request = Request::post("/grpc.health.v1.Health/Check").header("content-type", "application/grpc-web-text");
        let response = send(request.body(Body::from(body)).unwrap()).await;
        let status = status(response.headers());
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{body}: {status:?}");
        assert!(status.message().contains("base64"), "{body}: {status:?}");
        assert_eq!(reason(response.headers()), "MALFORMED_REQUEST", "{body}");
    }
}

#[tokio::test]
async fn unknown_rest_paths_return_an_envelope() {
    let request = |request: http::request::Builder| {
        request.header("authorization", format!("Bearer {KEY}")).body(Body::empty()).unwrap()
    };
    let missing = send(request(Request::get("/nothing"))).await;
    assert_eq!(missing.status(), 404);
    assert!(text(missing).await.contains("PATH_NOT_FOUND"));
    let method = send(request(Request::delete("/who"))).await;
    assert_eq!((method.status().as_u16(), &method.headers()["allow"]), (405, &HeaderValue::from_static("GET,HEAD")));
    let body = text(method).await;
    assert!(body.contains("METHOD_UNKNOWN") && body.contains("UNIMPLEMENTED"), "{body}");
}

#[tokio::test]
async fn grpc_web_receives_errors_in_its_own_format() {
    for (content_type, answer) in [
        ("application/grpc-web+proto", "application/grpc-web+proto"),
        ("application/grpc-web-text", "application/grpc-web-text+proto"),
    ] {
        let request =
            Request::post("/a.v1.A/Stream").header("content-type", content_type).header("accept", content_type);
        let response = send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], answer);
        // A trailers-only response: the status is in the headers, and there is no body.
        assert_eq!(status(response.headers()).code(), tonic::Code::Unauthenticated);
        assert_eq!(reason(response.headers()), "CREDENTIALS_INVALID");
        assert_eq!(text(response).await, "");
    }
}

#[tokio::test]
async fn causes_reach_the_log_from_both_kinds_of_errors() {
    let error = || Error::internal("the cause");
    let by_us = crate::respond::error_response(&error(), true);
    let by_tonic: Response<tonic::body::Body> = tonic::Status::from(error()).into_http();
    for response in [by_us, by_tonic] {
        assert!(crate::layers::trace::error_cause(&response).ends_with(": the cause"));
        assert!(!format!("{:?}", response.headers()).contains("the cause"));
    }
}

#[tokio::test]
async fn groundplans_own_errors_are_unchanged() {
    let error = || Error::new(Reason::RecordNotFound, "Book \"7\" does not exist");
    let router =
        Router::new().route("/x.v1.X/Get", post(move || async move { crate::respond::error_response(&error(), true) }));
    let app = stack(
        router,
        RootKey::new(&Secret::new(KEY)).unwrap(),
        None,
        Memory::new(1 << 20),
        &defaults::<ServerSettings>(),
    );
    let response = app.oneshot(call("/x.v1.X/Get").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(reason(response.headers()), "RECORD_NOT_FOUND");
    assert_eq!(status(response.headers()).message(), "Book \"7\" does not exist");
}
