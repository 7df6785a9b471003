//! Deadlines of calls and of streams.

use super::{KEY, app, call, reason, send, status, text};
use crate::layers::{RootKey, stack};
use crate::settings::{Secret, defaults};
use axum::body::Body;
use axum::routing::post;
use axum::{Extension, Router};
use groundplan_budget::{Budget, Memory};
use groundplan_error::Reason;
use http::Request;
use http_body_util::BodyExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tower::ServiceExt as _;

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
