//! Tests of the whole stack, without a socket.

mod deadlines;
mod errors;

use super::{RootKey, stack};
use crate::mounted_service::grpc_routes;
use crate::settings::{Secret, ServerSettings, defaults};
use axum::body::Body;
use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use groundplan_budget::{Budget, Memory};
use groundplan_identity::Principal;
use http::{HeaderMap, Request, Response};
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

#[tokio::test]
async fn only_the_key_authenticates() {
    for good in [format!("Bearer {KEY}"), format!("bearer {KEY}"), format!("BEARER  {KEY}")] {
        let response = send(Request::get("/who").header("authorization", good).body(Body::empty()).unwrap()).await;
        assert_eq!((response.status().as_u16(), text(response).await.as_str()), (200, "root"));
    }
    let invalid = [
        vec![],
        vec!["Bearer wrong".to_owned()],
        vec![format!("Bearer {KEY}x")],
        vec![KEY.to_owned()],
        vec![format!("Basic {KEY}")],
        vec![String::new()],
        vec![format!("Bearer {KEY}"), format!("Bearer {KEY}")],
    ];
    let mut messages = Vec::new();
    for headers in invalid {
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

#[tokio::test]
async fn a_request_id_is_kept_or_created() {
    let request = |id: &str| Request::get("/livez").header("x-request-id", id).body(Body::empty()).unwrap();
    assert_eq!(send(request("from-envoy")).await.headers()["x-request-id"], "from-envoy");
    for odd in ["with space", &"x".repeat(65)] {
        let id = send(request(odd)).await.headers()["x-request-id"].clone();
        assert!(id != *odd && id.len() == 32, "{id:?}");
    }
}
