//! Watches as server-sent events.

use crate::memory::{Asked, Memory, Script};
use crate::queries::library;
use crate::support::Client;
use ::http::Request;
use axum::body::Body;
use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Reason};
use groundplan_identity::Principal;
use groundplan_operations::{LazyRecord, WatchEvent, WatchQuery};
use groundplan_proto::watch::v1::{EventKind, Removal, Start};
use http_body_util::BodyExt as _;
use std::sync::Arc;
use tower::ServiceExt as _;

const TIME: i64 = 1_795_755_600_000_001;

#[cfg(test)]
fn lazy(record: Record) -> LazyRecord {
    LazyRecord::new(move || record.clone())
}

// Clippy allows `unwrap` in tests by default, but not in their helpers.
#[cfg(test)]
fn book(memory: &Memory, kind: EventKind) -> WatchEvent {
    let (model, stored) = memory.stored("library.v1.Book", "b2");
    let (token, transaction) = (format!("token-{}", kind as i32), "t".to_owned());
    let (model, record) = (Some(model), Some(lazy(stored.record)));
    WatchEvent { kind, model, record, token, transaction, time: Some(TIME), ..WatchEvent::default() }
}

#[cfg(test)]
fn titled(memory: &Memory, title: &str) -> Record {
    let (model, _) = memory.stored("library.v1.Book", "b2");
    let mut record = Record::new(model.shape());
    let (field, _) = model.shape().iter().find(|(_, field)| field.name == "title").unwrap();
    record.set(field, Some(Value::String(title.to_owned())));
    record
}

#[cfg(test)]
fn marker(kind: EventKind, token: &str) -> WatchEvent {
    WatchEvent { kind, token: token.to_owned(), ..WatchEvent::default() }
}

#[cfg(test)]
fn play(memory: &Memory, events: Vec<WatchEvent>, failed: Option<(Reason, &'static str)>) {
    let events = events.into_iter().map(Arc::new).collect();
    memory.answer(|answers| answers.watch = Script { events, failed, ..Script::default() });
}

#[cfg(test)]
async fn body(client: &Client, query: &str) -> String {
    let answer = client.send(&format!("GET /api/v1/books:watch{query}"), &[], "").await;
    assert_eq!(answer.status, 200, "{:?}", answer.bytes);
    String::from_utf8(answer.bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn events_are_framed_as_in_the_standard() {
    let (client, memory) = library().await;
    let updated = WatchEvent {
        previous: Some(lazy(titled(&memory, "a\nb\r\u{2028}"))),
        changed_fields: vec!["title".into(), "author_id".into()],
        ..book(&memory, EventKind::Updated)
    };
    let removed = WatchEvent { removal: Removal::NoMatch, ..book(&memory, EventKind::Removed) };
    let first =
        WatchEvent { transaction: String::new(), time: None, token: "c".into(), ..book(&memory, EventKind::Created) };
    let events = vec![
        first,
        marker(EventKind::Synced, "s"),
        book(&memory, EventKind::Created),
        updated,
        removed,
        marker(EventKind::Bookmark, "b"),
    ];
    play(&memory, events, None);
    let record = r#"{"id":"b2","title":"Lavinia","pages":0,"authorId":"le-guin","publisher":"","secret":""}"#;
    let change = r#""transaction":"t","time":"2026-11-27T05:00:00.000001Z""#;
    let previous = r#"{"id":"","title":"a\nb\r"#;
    let expected = [
        "retry: 1000\n\n".to_owned(),
        format!("event: CREATED\nid: c\ndata: {{\"data\":{record}}}\n\n"),
        "event: SYNCED\nid: s\ndata: {}\n\n".to_owned(),
        format!("event: CREATED\nid: token-1\ndata: {{\"data\":{record},{change}}}\n\n"),
        format!(
            "event: UPDATED\nid: token-2\ndata: {{\"data\":{record},\"previous\":{previous}\u{2028}\",\"pages\":0,\"authorId\":\"\",\"publisher\":\"\",\"secret\":\"\"}},\"changedFields\":[\"title\",\"authorId\"],{change}}}\n\n"
        ),
        format!("event: REMOVED\nid: token-3\ndata: {{\"data\":{record},\"removal\":\"NO_MATCH\",{change}}}\n\n"),
        "event: BOOKMARK\nid: b\ndata: {}\n\n".to_owned(),
    ];
    assert_eq!(body(&client, "").await, expected.concat());
    // The second watcher gets the texts encoded for the first one.
    assert_eq!(body(&client, "").await, expected.concat());
}

#[tokio::test]
async fn a_watch_has_the_headers_of_an_event_stream() {
    let (client, _) = library().await;
    let answer = client.send("GET /api/v1/books:watch", &["accept: text/event-stream"], "").await;
    assert_eq!((answer.status.as_u16(), answer.bytes.as_ref()), (200, b"retry: 1000\n\n".as_slice()));
    for (header, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("groundplan-revision", "0"),
        ("content-length", ""),
    ] {
        assert_eq!(answer.header(header), value, "{header}");
    }
}

#[tokio::test]
async fn every_parameter_of_a_watch_reaches_the_backend() {
    let (client, memory) = library().await;
    let watch = async |query: &str, headers: &[&str]| {
        let answer = client.send(&format!("GET /api/v1/books:watch?{query}"), headers, "").await;
        assert_eq!(answer.status, 200, "{query}: {:?}", answer.bytes);
        let Asked::Watch(asked) = memory.asked() else { panic!() };
        asked
    };
    assert_eq!(watch("", &[]).await, WatchQuery::default());
    let everything =
        "filter=pages%20%3E%201&readMask=title,authorId&start=INITIAL&token=a-b&withPrevious=true&allowScan=true";
    let asked = WatchQuery {
        filter: "pages > 1".into(),
        read_mask: vec!["title".into(), "authorId".into()],
        start: Start::Initial,
        token: "a-b".into(),
        with_previous: true,
        allow_scan: true,
    };
    assert_eq!(watch(everything, &[]).await, asked);
    assert_eq!(watch(everything, &["last-event-id: "]).await, asked);
    let resumed = WatchQuery { start: Start::Unspecified, token: "x_9=".into(), ..asked };
    assert_eq!(watch(everything, &["Last-Event-ID: x_9="]).await, resumed);
    for (text, start) in [("NOW", Start::Now), ("START_NOW", Start::Now), ("START_INITIAL", Start::Initial)] {
        assert_eq!(watch(&format!("start={text}"), &[]).await, WatchQuery { start, ..WatchQuery::default() });
    }
}

#[tokio::test]
async fn a_mask_removes_zeros_but_not_the_id() {
    let (client, memory) = library().await;
    let event = WatchEvent {
        record: Some(lazy(titled(&memory, "new"))),
        previous: Some(lazy(titled(&memory, ""))),
        transaction: String::new(),
        time: None,
        ..book(&memory, EventKind::Updated)
    };
    play(&memory, vec![event], None);
    let data = r#"{"data":{"id":"","title":"new","pages":0},"previous":{"id":"","title":"","pages":0}}"#;
    let expected = format!("retry: 1000\n\nevent: UPDATED\nid: token-2\ndata: {data}\n\n");
    assert_eq!(body(&client, "?readMask=pages,title").await, expected);
}

#[tokio::test]
async fn events_are_encoded_once_for_all_watchers() {
    let (client, memory) = library().await;
    let event = Arc::new(book(&memory, EventKind::Created));
    memory.answer(|answers| answers.watch.events = vec![Arc::clone(&event)]);
    body(&client, "").await;
    let written = event.encoded.sse.get().unwrap().as_ptr();
    body(&client, "").await;
    assert_eq!(event.encoded.sse.get().unwrap().as_ptr(), written);
    assert!(event.encoded.wire.get().is_none());
}

#[tokio::test]
async fn the_last_event_has_the_error() {
    let (client, memory) = library().await;
    play(&memory, vec![marker(EventKind::Bookmark, "b")], Some((Reason::RateLimited, "read\nfaster")));
    let envelope = Error::new(Reason::RateLimited, "read\nfaster").to_envelope().1;
    let expected = format!("retry: 1000\n\nevent: BOOKMARK\nid: b\ndata: {{}}\n\nevent: error\ndata: {envelope}\n\n");
    let found = body(&client, "").await;
    assert_eq!(found, expected);
    assert!(found.contains(r#"data: {"error":{"code":"RATE_LIMITED","message":"read\nfaster","#), "{found}");
    play(&memory, Vec::new(), Some((Reason::Internal, "disk on fire")));
    let found = body(&client, "").await;
    assert!(found.contains(r#"{"code":"INTERNAL","#) && !found.contains("fire"), "{found}");
}

#[tokio::test]
async fn a_watch_that_fails_to_start_returns_a_plain_error() {
    let (client, memory) = library().await;
    memory.answer(|answers| answers.watch.refused = Some((Reason::IndexRequired, "declare an index")));
    let answer = client.send("GET /api/v1/books:watch?start=INITIAL", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (400, "application/json"));
    assert_eq!(answer.error(), ("FAILED_PRECONDITION".to_owned(), "declare an index".to_owned()));
    let asked = memory.questions();
    for (query, headers, message) in [
        ("start=LATER", "accept: */*", "\"start\" must be one of NOW, INITIAL"),
        ("start=", "accept: */*", "\"start\" must be one of NOW, INITIAL"),
        ("withPrevious=1", "accept: */*", "\"withPrevious\" must be true or false"),
        (
            "with_previous=true",
            "accept: */*",
            "\"with_previous\" is not a query parameter here; the nearest is withPrevious",
        ),
        (
            "",
            "last-event-id: a b",
            "\"Last-Event-ID\" must be the id of one event: at most 8192 bytes of visible ASCII; leave it out to start again",
        ),
    ] {
        let answer = client.send(&format!("GET /api/v1/books:watch?{query}"), &[headers], "").await;
        assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (400, message), "{query}");
    }
    assert_eq!(memory.questions(), asked);
    let mask = client.send("GET /api/v1/books:watch?readMask=titel", &[], "").await;
    assert!(mask.error().1.starts_with("\"readMask\""), "{}", mask.error().1);
}

#[tokio::test]
async fn a_watch_supports_only_get() {
    let (client, memory) = library().await;
    let asked = memory.questions();
    for method in ["HEAD", "POST", "PUT", "DELETE"] {
        let refused = client.send(&format!("{method} /api/v1/books:watch"), &[], "{}").await;
        assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET, OPTIONS"), "{method}");
    }
    assert_eq!(memory.questions(), asked);
}

#[tokio::test]
async fn a_client_that_disconnects_ends_the_watch() {
    let (client, memory) = library().await;
    let follower = Arc::new(());
    memory.answer(|answers| {
        answers.watch = Script { follower: Some(Arc::clone(&follower)), ..Script::default() };
        answers.watch.events = vec![Arc::new(marker(EventKind::Bookmark, "b"))];
    });
    let request = Request::get("/api/v1/books:watch").extension(Principal::root()).body(Body::empty()).unwrap();
    let mut body = client.0.clone().oneshot(request).await.unwrap().into_body();
    for expected in ["retry: 1000\n\n", "event: BOOKMARK\nid: b\ndata: {}\n\n"] {
        // Each event arrives immediately, even if the next one takes long.
        let chunk = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(chunk, expected);
    }
    // One here, one in the script, one in the watch.
    assert_eq!(Arc::strong_count(&follower), 3);
    drop(body);
    assert_eq!(Arc::strong_count(&follower), 2);
}
