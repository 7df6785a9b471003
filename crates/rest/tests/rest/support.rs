//! Models to serve, and a client for statuses, headers and envelopes.

use ::http::{HeaderMap, Request, Response, StatusCode};
use axum::body::Body;
use bytes::Bytes;
use groundplan_identity::Principal;
use groundplan_model::catalog::Catalog;
use groundplan_model::{Input, SourceFile, StorageNames};
use http_body_util::BodyExt as _;
use std::sync::Arc;
use tower::ServiceExt as _;

/// The catalog of some `.proto` files.
pub(crate) fn catalog(files: &[(&str, &str)]) -> Arc<Catalog> {
    let file = |(path, content): &(&str, &str)| SourceFile { path: (*path).into(), content: (*content).into() };
    let compiled = groundplan_model::compile(Input::Files(files.iter().map(file).collect()), &StorageNames::default());
    let compiled = compiled.unwrap_or_else(|diagnostics| {
        panic!("{}", diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    Arc::new(compiled.catalog)
}

/// A response with its body.
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl TestResponse {
    pub(crate) async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        Self { status: parts.status, headers: parts.headers, bytes: body.collect().await.unwrap().to_bytes() }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {:?}", self.bytes))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `error.code` and `error.message`.
    pub(crate) fn error(&self) -> (String, String) {
        let json = self.json();
        let text = |name: &str| json["error"][name].as_str().unwrap().to_owned();
        (text("code"), text("message"))
    }
}

/// The REST API over a backend, called as root.
pub(crate) struct Client(pub(crate) axum::Router);

impl Client {
    /// Sends `METHOD /path` with headers such as `if-match: "a"`.
    pub(crate) async fn send(&self, request_line: &str, headers: &[&str], body: impl Into<Body>) -> TestResponse {
        let (method, uri) = request_line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(uri).extension(Principal::root());
        for header in headers {
            let (name, value) = header.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        self.send_request(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn send_request(&self, request: Request<Body>) -> TestResponse {
        TestResponse::of(self.0.clone().oneshot(request).await.unwrap()).await
    }
}
