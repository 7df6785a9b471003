use super::fixture::{Fixture, thing};
use bytes::Bytes;
use groundplan_chassis::transport;
use groundplan_model::catalog::MethodKind::{Aggregate, BatchGet, Create, ExplainList, Get, List, Update};
use http::Request;
use http_body_util::BodyExt as _;
use tonic::Code;
use tonic::body::Body;
use tonic_types::StatusExt;
use tower::ServiceExt as _;

#[tokio::test]
async fn requests_that_are_not_their_message_are_refused() {
    let fixture = Fixture::new().await;
    let item = fixture.model("Item");
    let cases: &[(_, &[u8], &str)] = &[
        (Get, &[0x1A, 1, b'x'], "unknown field 3"),
        (Get, &[0x12, 1, b'x'], "read_mask"),
        (Get, &[0x08, 1], "another type"),
        (Get, &[0x0A, 5, b'x'], "cut off"),
        (Get, &[0x0A, 1, 0xFF], "UTF-8"),
        (List, &[0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], "32 bits"),
        (List, &[0x28, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], "32 bits"),
        (List, &[0x1A, 1, 0xFF], "filter must be valid UTF-8"),
        (List, &[0x38, 3], "count must be"),
        (List, &[0x38, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], "count must be"),
        (List, &[0x52, 1, b'x'], "unknown field 10"),
        (ExplainList, &[0x0A, 2, 0x50, 1], "unknown field 10"),
        (ExplainList, &[0x0A, 2, 0x08], "cut off"),
        (ExplainList, &[0x08, 2], "list has another type"),
        (BatchGet, &[0x0A, 2, 0x18, 1], "unknown field 3"),
        (BatchGet, &[0x0A, 3, 0x12, 1, b'x'], "read_mask"),
        (BatchGet, &[0x0A, 5, 0x12, 3, 0x0A, 1, b'x'], "requests[0].read_mask must be empty"),
        (Aggregate, &[0x1A, 2, 0x20, 1], "unknown field 4"),
        (Aggregate, &[0x1A, 3, 0x12, 1, 0xFF], "UTF-8"),
        (Aggregate, &[0x12, 1, 0xFF], "group_by must be valid UTF-8"),
        (Create, &[0x0A, 3, 0x98, 0x06, 1], ""),
        (Create, &[0x0A, 2, 0x10, 1], "title"),
        (Create, &[0x0A, 3, 0x12, 1, 0xFF], "title"),
        (Create, &[0x0A, 3, 0x12, 9, b'x'], ""),
        (Update, &[0x12, 2, 0x08, 1], "update_mask"),
    ];
    for (kind, message, words) in cases {
        let path = item.method_path(*kind);
        let status = fixture.call_raw(&path, Bytes::from_static(message)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{kind:?} {message:?}: {status:?}");
        let lower = status.message().to_lowercase();
        assert!(lower.contains(&words.to_lowercase()), "{kind:?} {message:?}: {}", status.message());
    }
    assert!(fixture.query("SELECT 1 FROM test_v1.item").await.is_empty());
}

#[tokio::test]
async fn a_record_in_several_parts_is_one() {
    let fixture = Fixture::new().await;
    let path = fixture.model("Label").method_path(Create);
    // Twice field 1, each a part of the label.
    let message = b"\x0a\x03\x0a\x01a\x0a\x03\x12\x01t";
    let answer = fixture.call_raw(&path, Bytes::from_static(message)).await.unwrap();
    assert_eq!(&answer.get_ref()[..], b"\x0a\x01a\x12\x01t");
}

#[tokio::test]
async fn a_message_over_the_limit_says_so() {
    let fixture = Fixture::new().await;
    let path = fixture.model("Label").method_path(Create);
    let status = fixture.call_raw(&path, Bytes::from(vec![0; (4 << 20) + 1])).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "TOO_LARGE");
}

#[tokio::test]
async fn unknown_methods_name_the_nearest() {
    let fixture = Fixture::new().await;
    let status = fixture.call_raw("/test.v1.ItemService/GetItems", Bytes::new()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().ends_with("the nearest is /test.v1.ItemService/GetItem"), "{}", status.message());
}

#[tokio::test]
async fn before_the_first_revision_nothing_is_known() {
    let fixture = Fixture::empty().await;
    let status = fixture.call_raw("/test.v1.ItemService/GetItem", Bytes::new()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    fixture.records.serve(crate::served::Served::nothing().unwrap());
    let status = fixture.call_raw("/test.v1.ItemService/GetItem", Bytes::new()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains("groundplan apply"));
    fixture.apply(1, &thing("")).await.unwrap();
    let status = fixture.call_raw("/test.v1.ThingService/GetThing", Bytes::new()).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_is_not_grpc_is_told_where_to_go() {
    let fixture = Fixture::new().await;
    for (method, content_type) in [("GET", "application/grpc"), ("POST", "application/json"), ("POST", "")] {
        let request = Request::builder().method(method).uri("/nowhere").header("content-type", content_type);
        let response = fixture.transport.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 404);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(br#"{"error":{"code":"NOT_FOUND""#), "{body:?}");
    }
}

#[tokio::test]
async fn a_call_without_a_principal_learns_nothing() {
    let fixture = Fixture::new().await;
    let router = crate::grpc::router(fixture.records.clone(), crate::Settings::default());
    let request = Request::post("/test.v1.ItemService/GetNothing").header("content-type", "application/grpc");
    let response = router.oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "16");
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_no_statement_behind() {
    let fixture = Fixture::new().await;
    let lock = fixture.another_database().await;
    let mut lease = lock.lease().await.unwrap();
    let hold = groundplan_chassis::database::Sql::new("LOCK TABLE test_v1.label");
    let router = crate::grpc::router(fixture.records.clone(), crate::Settings::default());
    let transport = transport::local(router);
    lease
        .run(async |conn| {
            use diesel_async::AsyncConnection;
            conn.transaction(async |conn| {
                groundplan_chassis::database::execute(conn, &hold, &[]).await?;
                let request = Request::post("/test.v1.LabelService/GetLabel")
                    .header("content-type", "application/grpc")
                    .header("te", "trailers")
                    .header("grpc-timeout", "200m");
                let body = axum::body::Body::from(&b"\0\0\0\0\x03\x0a\x01a"[..]);
                let response = transport.oneshot(request.body(Body::new(body)).unwrap()).await.unwrap();
                assert_eq!(response.headers()["grpc-status"], "4");
                Ok::<_, diesel::result::Error>(())
            })
            .await
        })
        .await
        .unwrap();
    let sql = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT _version%'";
    for _ in 0..100 {
        if fixture.query(sql).await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the statement still runs");
}
