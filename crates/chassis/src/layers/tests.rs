//! Tests of the whole stack, without a socket.

use super::{RootKey, stack};
use crate::mounted_service::grpc_routes;
use crate::settings::{Secret, ServerSettings, defaults};
use axum::body::Body;
use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::{BufMut as _, Bytes};
use groundplan_budget::{Budget, Memory};
use groundplan_error::{Error, Reason};
use groundplan_identity::Principal;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

const KEY: &str = "hunter2-q7mUe0yDk4pXr2vT9aLsWc6nHjZbF1gOxI8u";

/// Records that it was dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Returns a stream of one message that never ends.
fn endless() -> Response<Body> {
    let first = futures_util::stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"\0\0\0\0\x01x")))]);
    let body = StreamBody::new(futures_util::StreamExt::chain(first, futures_util::stream::pending()));
    Response::builder().header("content-type", "application/grpc").body(Body::new(body)).unwrap()
}

async fn panicking() {
    panic!("the message of the panic")
}

fn app(dropped: &Arc<AtomicBool>) -> Router {
    let guard = Arc::clone(dropped);
    let pending = move || {
        let guard = Dropped(Arc::clone(&guard));
        async move {
            std::future::pending::<()>().await;
            drop(guard);
        }
    };
    let routes = Router::new()
        .route("/who", get(|Extension(caller): Extension<Principal>| async move { caller.name }))
        .route("/livez", get(|| async { "ok" }))
        .route("/pending", get(pending.clone()).post(pending))
        .route("/panic", get(panicking))
        .route("/echo", post(|body: Bytes| async move { body }))
        .route("/a.v1.A/Stream", post(|| async { endless() }))
        .merge(grpc_routes(tonic_health::server::health_reporter().1));
    let settings = ServerSettings { request_timeout: Duration::from_secs(5), ..defaults() };
    stack(routes, RootKey::new(&Secret::new(KEY)).unwrap(), None, Memory::new(1 << 20), &settings)
}

async fn send(request: Request<Body>) -> Response<Body> {
    app(&Arc::default()).oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8_lossy(&response.into_body().collect().await.unwrap().to_bytes()).into_owned()
}

/// Creates a gRPC request with the right key.
fn call(path: &str) -> http::request::Builder {
    Request::post(path).header("content-type", "application/grpc").header("authorization", format!("Bearer {KEY}"))
}

fn status(headers: &HeaderMap) -> tonic::Status {
    tonic::Status::from_header_map(headers).expect("a gRPC status")
}

fn reason(headers: &HeaderMap) -> String {
    status(headers).get_error_details().error_info().expect("our details").reason.clone()
}

#[tokio::test]
async fn bodies_that_exceed_the_memory_are_rejected_by_both_protocols() {
    let large =
        || Body::from_stream(futures_util::stream::iter((0..40).map(|_| Ok::<_, Infallible>(vec![0; 32 << 10]))));
    let authorized = format!("Bearer {KEY}");
    let rest = Request::post("/echo").header("authorization", authorized).body(large()).unwrap();
    let response = send(rest).await;
    assert_eq!(response.status().as_u16(), 429);
    assert!(text(response).await.contains("MEMORY_EXHAUSTED"));
    // One message of 40 times 32 KiB, including its prefix.
    let prefix = [&[0][..], &((40_u32 << 15) - 5).to_be_bytes()].concat();
    let chunks = (0..40).map(move |at| {
        let mut chunk = vec![0; 32 << 10];
        if at == 0 {
            chunk[..5].copy_from_slice(&prefix);
        }
        Ok::<_, Infallible>(chunk)
    });
    let message = Body::from_stream(futures_util::stream::iter(chunks));
    let response = send(call("/echo").body(message).unwrap()).await;
    assert_eq!(reason(response.headers()), "MEMORY_EXHAUSTED");
    let small =
        Request::post("/echo").header("authorization", format!("Bearer {KEY}")).body(Body::from("small")).unwrap();
    assert_eq!(send(small).await.status().as_u16(), 200);
}

#[tokio::test]
async fn a_response_holds_the_requests_memory_until_it_is_sent() {
    let memory = Memory::new(1 << 20);
    let held = Router::new().route(
        "/held",
        get(|Extension(budget): Extension<Budget>| async move {
            budget.hold(200_000).unwrap();
            "an answer"
        }),
    );
    let key = RootKey::new(&Secret::new(KEY)).unwrap();
    let app = stack(held, key, None, memory.clone(), &defaults());
    let request = Request::get("/held").header("authorization", format!("Bearer {KEY}")).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert!(memory.used() > 100_000);
    assert_eq!(text(response).await, "an answer");
    assert_eq!(memory.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_cancels_the_budget_of_its_call() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let sender = Arc::new(std::sync::Mutex::new(Some(sender)));
    let kept = move |Extension(budget): Extension<Budget>| {
        let sender = sender.lock().unwrap().take().unwrap();
        async move {
            sender.send(budget).unwrap();
            std::future::pending::<()>().await;
        }
    };
    let routes = Router::new().route("/a.v1.A/Kept", post(kept));
    let app = stack(routes, RootKey::new(&Secret::new(KEY)).unwrap(), None, Memory::new(1 << 20), &defaults());
    let request = call("/a.v1.A/Kept").header("grpc-timeout", "100m").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(reason(response.headers()), "DEADLINE_EXCEEDED");
    assert_eq!(receiver.await.unwrap().check().unwrap_err().reason(), Reason::Cancelled);
}

#[tokio::test]
async fn only_the_key_authenticates() {
    for good in [format!("Bearer {KEY}"), format!("bearer {KEY}"), format!("BEARER  {KEY}")] {
        let response = send(Request::get("/who").header("authorization", good).body(Body::empty()).unwrap()).await;
        assert_eq!((response.status().as_u16(), text(response).await.as_str()), (200, "root"));
    }
    let wrong = [
        vec![],
        vec!["Bearer wrong".to_owned()],
        vec![format!("Bearer {KEY}x")],
        vec![KEY.to_owned()],
        vec![format!("Basic {KEY}")],
        vec![String::new()],
        vec![format!("Bearer {KEY}"), format!("Bearer {KEY}")],
    ];
    let mut messages = Vec::new();
    for headers in wrong {
        let request = |content_type| {
            let request = Request::get("/who").header("content-type", content_type);
            let request = headers.iter().fold(request, |request, value| request.header("authorization", value));
            request.body(Body::empty()).unwrap()
        };
        let rest = send(request("application/json")).await;
        assert_eq!(rest.status(), 401, "{headers:?}");
        assert_eq!(rest.headers()["www-authenticate"], "Bearer");
        let body = text(rest).await;
        assert!(body.contains("UNAUTHENTICATED") && body.contains("authorization: Bearer"), "{body}");
        assert!(!body.contains("hunter2"), "{body}");
        let grpc = send(request("application/grpc")).await;
        assert_eq!((grpc.status().as_u16(), status(grpc.headers()).code()), (200, tonic::Code::Unauthenticated));
        assert_eq!(reason(grpc.headers()), "CREDENTIALS_INVALID");
        messages.push(status(grpc.headers()).message().to_owned());
    }
    messages.dedup();
    assert_eq!(messages.len(), 3, "no credentials, wrong ones, several: {messages:?}");
}

#[tokio::test]
async fn health_checks_need_no_credentials() {
    let response = send(Request::get("/livez").body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), 200);
    let check = Request::post("/grpc.health.v1.Health/Check").header("content-type", "application/grpc");
    let response = send(check.body(Body::from(&b"\0\0\0\0\0"[..])).unwrap()).await;
    let trailers = response.into_body().collect().await.unwrap().trailers().cloned().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
    for closed in ["/livez/", "/LIVEZ", "/readyzz", "/grpc.health.v1.HealthX/Check", "/grpc.health.v1.Health/Watch"] {
        assert_eq!(send(Request::get(closed).body(Body::empty()).unwrap()).await.status(), 401, "{closed}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_deadline_is_reported_and_drops_the_work() {
    for (grpc, timeout) in [(true, Some("50m")), (true, None), (false, None)] {
        let dropped = Arc::new(AtomicBool::new(false));
        let mut request = Request::post("/pending").header("authorization", format!("Bearer {KEY}"));
        if grpc {
            request = request.header("content-type", "application/grpc");
        }
        if let Some(timeout) = timeout {
            request = request.header("grpc-timeout", timeout);
        }
        let started = tokio::time::Instant::now();
        let response = app(&dropped).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let expected = if timeout.is_some() { Duration::from_millis(50) } else { Duration::from_secs(5) };
        assert!(started.elapsed() >= expected && started.elapsed() < expected * 2);
        assert!(dropped.load(Ordering::SeqCst), "the work is dropped");
        if grpc {
            assert_eq!(status(response.headers()).code(), tonic::Code::DeadlineExceeded);
            assert_eq!(reason(response.headers()), "DEADLINE_EXCEEDED");
        } else {
            assert_eq!(response.status(), 504);
            assert!(text(response).await.contains("DEADLINE_EXCEEDED"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_at_its_deadline_with_a_status() {
    let request = call("/a.v1.A/Stream").header("grpc-timeout", "2S").body(Body::empty()).unwrap();
    let body = send(request).await.into_body().collect().await.unwrap();
    assert_eq!(status(body.trailers().unwrap()).code(), tonic::Code::DeadlineExceeded);
    assert_eq!(body.to_bytes(), &b"\0\0\0\0\x01x"[..], "earlier messages arrive");
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_a_deadline_continues_after_the_servers_limit() {
    let request = call("/a.v1.A/Stream").body(Body::empty()).unwrap();
    let mut body = send(request).await.into_body();
    body.frame().await.unwrap().unwrap();
    let next = tokio::time::timeout(Duration::from_secs(3_600), body.frame()).await;
    assert!(next.is_err(), "still open");
}

#[tokio::test]
async fn malformed_timeouts_are_rejected() {
    for values in [vec!["5"], vec!["5s"], vec!["123456789m"], vec!["-5m"], vec![""], vec!["5S", "5S"]] {
        let request = call("/a.v1.A/Stream");
        let request = values.iter().fold(request, |request, value| request.header("grpc-timeout", *value));
        let response = send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(status(response.headers()).code(), tonic::Code::InvalidArgument, "{values:?}");
    }
}

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

#[tokio::test(start_paused = true)]
async fn grpc_web_receives_an_expired_deadline_in_its_body() {
    for (content_type, is_text) in [("application/grpc-web+proto", false), ("application/grpc-web-text", true)] {
        let request = Request::post("/a.v1.A/Stream")
            .header("content-type", content_type)
            .header("accept", content_type)
            .header("authorization", format!("Bearer {KEY}"))
            .header("grpc-timeout", "1S");
        let mut body = send(request.body(Body::empty()).unwrap()).await.into_body();
        let mut frames = Vec::new();
        while let Some(frame) = body.frame().await {
            frames.push(frame.unwrap().into_data().expect("no HTTP trailers in gRPC-Web"));
        }
        let [message, trailers] = frames.try_into().expect("a message and the trailers");
        if is_text {
            assert_eq!(message, "AAAAAAF4");
            // The flag for trailers, in base64.
            assert!(trailers.starts_with(b"gAAA"), "{trailers:?}");
        } else {
            assert_eq!(message, &b"\0\0\0\0\x01x"[..]);
            assert_eq!(trailers[0], 0x80);
            let text = String::from_utf8_lossy(&trailers[5..]).into_owned();
            assert!(text.contains("grpc-status:4\r\n"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_request_id_is_kept_or_created() {
    let request = |id: &str| Request::get("/livez").header("x-request-id", id).body(Body::empty()).unwrap();
    assert_eq!(send(request("from-envoy")).await.headers()["x-request-id"], "from-envoy");
    for odd in ["with space", &"x".repeat(65)] {
        let id = send(request(odd)).await.headers()["x-request-id"].clone();
        assert!(id != *odd && id.len() == 32, "{id:?}");
    }
}

#[tokio::test]
async fn causes_reach_the_log_from_both_kinds_of_errors() {
    let error = || Error::internal("the cause");
    let by_us = crate::respond::error_response(&error(), true);
    let by_tonic: Response<tonic::body::Body> = tonic::Status::from(error()).into_http();
    for response in [by_us, by_tonic] {
        assert!(super::trace::error_cause(&response).ends_with(": the cause"));
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
