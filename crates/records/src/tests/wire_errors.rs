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

/// Sends a call with any body, and returns the status of the response.
async fn posted(fixture: &Fixture, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> tonic::Status {
    let mut request = Request::post(path).header("content-type", "application/grpc").header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Body::new(axum::body::Body::from(body));
    let mut request = request.body(body).unwrap();
    request.extensions_mut().insert(groundplan_identity::Principal::root());
    let response = fixture.transport.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let trailers = body.collect().await.unwrap().trailers().cloned().unwrap_or_default();
    tonic::Status::from_header_map(if trailers.is_empty() { &parts.headers } else { &trailers }).unwrap()
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

fn reason(status: &tonic::Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_second_message_is_refused_and_nothing_is_written() {
    let fixture = Fixture::new().await;
    let create = fixture.model("Label").method_path(Create);
    let commit = "/groundplan.records.v1.RecordsService/Commit".to_owned();
    let watch = "/groundplan.records.v1.RecordsService/WatchMany".to_owned();
    let one = frame(b"\x0a\x03\x0a\x01a");
    for path in [&create, &commit, &watch] {
        let twice = [one.clone(), frame(b"\x0a\x03\x0a\x01b")].concat();
        for body in [twice, [one.clone(), vec![0]].concat(), Vec::new()] {
            let status = posted(&fixture, path, &[], body).await;
            assert_eq!((status.code(), reason(&status).as_str()), (Code::Unimplemented, "MESSAGE_COUNT"), "{path}");
        }
    }
    assert!(fixture.query("SELECT 1 FROM test_v1.label").await.is_empty());
    assert_eq!(posted(&fixture, &create, &[], one).await.code(), Code::Ok);
    assert_eq!(fixture.query("SELECT 1 FROM test_v1.label").await.len(), 1);
}

#[tokio::test]
async fn frames_that_contradict_the_protocol_are_named() {
    let fixture = Fixture::new().await;
    let (create, commit) = (fixture.model("Label").method_path(Create), "/groundplan.records.v1.RecordsService/Commit");
    let flagged = |flag: u8| [&[flag][..], &frame(b"\x0a\x00")[1..]].concat();
    for path in [create.as_str(), commit] {
        for (encoding, flag, code, expected) in [
            ("identity", 1, Code::Internal, "FRAME_INVALID"),
            ("identity", 2, Code::Internal, "FRAME_INVALID"),
            ("gzip", 1, Code::Internal, "FRAME_INVALID"),
            ("br", 1, Code::Unimplemented, "ENCODING_NOT_SUPPORTED"),
        ] {
            let status = posted(&fixture, path, &[("grpc-encoding", encoding)], flagged(flag)).await;
            assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{path} {encoding} {flag}");
        }
    }
}

#[tokio::test]
async fn the_methods_of_the_suite_refuse_unknown_fields() {
    let fixture = Fixture::new().await;
    let service = "/groundplan.records.v1.RecordsService";
    for (method, message) in [
        ("Commit", &b"\xf8\x07\x01"[..]),
        // writes[0] with a field 7, as a newer client's guard.
        ("Commit", b"\x0a\x02\x38\x01"),
        ("WatchMany", b"\x0a\x03\xf8\x07\x01"),
        ("Export", b"\xf8\x07\x01"),
        ("Import", b"\xf8\x07\x01"),
        ("TailChanges", b"\xf8\x07\x01"),
    ] {
        let status = posted(&fixture, &format!("{service}/{method}"), &[], frame(message)).await;
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "MALFORMED_REQUEST"), "{method}");
        assert!(status.message().contains("has no field"), "{method}: {}", status.message());
    }
}

#[tokio::test]
async fn a_malformed_message_of_an_import_is_the_callers_fault() {
    let fixture = Fixture::new().await;
    let path = "/groundplan.records.v1.RecordsService/Import";
    let header = groundplan_proto::records::v1::ImportHeader {
        model: "test.v1.Label".into(),
        format: groundplan_proto::records::v1::Format::Ndjson.into(),
        on_error: groundplan_proto::records::v1::OnError::Skip.into(),
        ..Default::default()
    };
    let header = groundplan_proto::records::v1::ImportRequest {
        part: Some(groundplan_proto::records::v1::import_request::Part::Header(header)),
    };
    let header = prost::Message::encode_to_vec(&header);
    for (body, expected) in [
        ([frame(&header), frame(&[0x12, 0x0F, 0x7B])].concat(), "MALFORMED_REQUEST"),
        ([frame(&header), frame(&[0xF8, 0x07, 1])].concat(), "MALFORMED_REQUEST"),
        (frame(&[0x12, 0x0F, 0x7B]), "MALFORMED_REQUEST"),
        ([frame(&header), vec![2, 0, 0, 0, 0]].concat(), "FRAME_INVALID"),
        ([frame(&header), vec![0, 0, 0]].concat(), "MALFORMED_REQUEST"),
    ] {
        let status = posted(&fixture, path, &[], body.clone()).await;
        assert_eq!(reason(&status), expected, "{body:?}: {status:?}");
    }
}

#[test]
fn streamed_methods_are_those_of_the_descriptors() {
    let sets = [
        groundplan_proto::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    for set in sets {
        let pool = prost_reflect::DescriptorPool::decode(set).unwrap();
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            assert_eq!(groundplan_chassis::layers::is_client_streaming(&path), method.is_client_streaming(), "{path}");
        }
    }
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
    fixture.records.serve(crate::served::Served::empty().unwrap());
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
    let router = crate::derived::router(fixture.records.clone(), crate::Settings::default());
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
    let router = crate::derived::router(fixture.records.clone(), crate::Settings::default());
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
    for _ in 0..500 {
        if fixture.query(sql).await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the statement still runs");
}
