//! Get and Create of the example's entity, by gRPC and by REST.

use crate::case::Case;
use crate::server::{KEY, Suite};
use axum::Router;
use axum::body::Body;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use prost::Message;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// `example.v1.Entity`, of which callers set this much.
#[derive(Clone, PartialEq, Message)]
struct Entity {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    field1: String,
    #[prost(double, tag = "3")]
    field2: f64,
}

#[derive(Clone, PartialEq, Message)]
struct CreateEntityRequest {
    #[prost(message, optional, tag = "1")]
    entity: Option<Entity>,
}

#[derive(Clone, PartialEq, Message)]
struct GetEntityRequest {
    #[prost(string, tag = "1")]
    id: String,
}

const JSON: &str = r#"{"field1": "a name of usual length", "field2": 12.5}"#;

pub(crate) fn cases<'a>(runtime: &'a Runtime, suite: &'a Suite) -> Vec<Case<'a>> {
    let entity = Entity { field1: "a name of usual length".to_owned(), field2: 12.5, ..Entity::default() };
    let create = CreateEntityRequest { entity: Some(entity) };
    let created = runtime.block_on(unary(&suite.router, "CreateEntity", &create));
    let id = Entity::decode(created).unwrap().id;
    let (get, path) = (GetEntityRequest { id: id.clone() }, format!("/api/v1/resource/{id}"));
    let router = &suite.router;
    vec![
        Case::call("calls.grpc_get", move || {
            let entity = runtime.block_on(unary(router, "GetEntity", &get));
            assert!(entity.len() > 40);
        }),
        Case::call("calls.grpc_create", move || {
            runtime.block_on(unary(router, "CreateEntity", &create));
        }),
        Case::call("calls.rest_get", move || {
            runtime.block_on(rest(router, "GET", &path, Body::empty(), StatusCode::OK));
        }),
        Case::call("calls.rest_create", move || {
            runtime.block_on(rest(router, "POST", "/api/v1/resource", Body::from(JSON), StatusCode::CREATED));
        }),
    ]
}

/// A unary call; returns the bytes of the response message.
async fn unary(router: &Router, method: &str, message: &impl Message) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.encoded_len()).unwrap());
    message.encode(&mut frame).unwrap();
    let request = Request::post(format!("/example.v1.EntityService/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {KEY}"))
        .body(Body::from(frame.freeze()))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap();
    let status = body.trailers().and_then(|trailers| trailers.get("grpc-status")).cloned();
    assert_eq!(status.as_ref().map(|status| status.as_bytes()), Some(&b"0"[..]), "{method}");
    body.to_bytes().slice(5..)
}

/// A REST call, which must have this status.
async fn rest(router: &Router, method: &str, path: &str, body: Body, status: StatusCode) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {KEY}"))
        .body(body)
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), status);
    response.into_body().collect().await.unwrap();
}
