//! Revisions, and reads at a past time.

use crate::memory::{Asked, Memory};
use crate::openapi_queries::parameters;
use crate::support::{Client, catalog};
use groundplan_model::catalog::Catalog;
use groundplan_operations::{HistoryPage, HistoryQuery, RecordRevision, View};
use groundplan_proto::watch::v1::ChangeKind;
use groundplan_rest::openapi;
use serde_json::{Value, json};
use std::sync::Arc;

// Clippy allows `unwrap` in tests by default, but not in their helpers.
#[cfg(test)]
fn models() -> Arc<Catalog> {
    catalog(&[("notes/v1/history.proto", include_str!("history.proto"))])
}

/// A note and a draft.
#[cfg(test)]
async fn notes() -> (Client, Memory) {
    let memory = Memory::new(models());
    let client = Client(groundplan_rest::router(memory.clone(), 10_000));
    for (resource, body) in
        [("notes", r#"{"id":"n1","title":"x","pageCount":3}"#), ("drafts", r#"{"id":"d1","title":"y"}"#)]
    {
        assert_eq!(client.send(&format!("POST /api/v1/{resource}"), &[], body).await.status, 201);
    }
    (client, memory)
}

#[cfg(test)]
fn revision(memory: &Memory, kind: ChangeKind, time: i64, changed_fields: &[&str]) -> RecordRevision {
    RecordRevision {
        kind,
        stored: memory.stored("notes.v1.Note", "n1").1,
        time,
        principal: "root".into(),
        changed_fields: changed_fields.iter().map(|&name| name.to_owned()).collect(),
        transaction: format!("t{time}"),
    }
}

#[tokio::test]
async fn revisions_are_paged() {
    let (client, memory) = notes().await;
    let revisions = vec![
        revision(&memory, ChangeKind::Deleted, 2_000_000, &[]),
        revision(&memory, ChangeKind::Updated, 1_500_000, &["page_count", "odd"]),
        revision(&memory, ChangeKind::Created, 0, &[]),
    ];
    memory.answer(|answers| answers.revisions = HistoryPage { revisions, next_page_token: "n=".into() });
    let page = client.send("GET /api/v1/notes/n1:listRevisions?pageSize=3&readMask=title,author", &[], "").await;
    let data = r#""data":{"title":"x","author":""}"#;
    let expected = [
        format!(
            r#"{{"data":[{{"kind":"DELETED",{data},"time":"1970-01-01T00:00:02Z","etag":"a","principal":"root","transaction":"t2000000"}},"#
        ),
        format!(
            r#"{{"kind":"UPDATED",{data},"time":"1970-01-01T00:00:01.500Z","etag":"a","changedFields":["pageCount","o-dd"],"principal":"root","transaction":"t1500000"}},"#
        ),
        format!(
            r#"{{"kind":"CREATED",{data},"time":"1970-01-01T00:00:00Z","etag":"a","principal":"root","transaction":"t0"}}],"nextPageToken":"n="}}"#
        ),
    ];
    assert_eq!(page.bytes, expected.concat());
    assert_eq!(
        page.header("link"),
        "</api/v1/notes/n1:listRevisions?pageSize=3&readMask=title%2Cauthor&pageToken=n%3D>; rel=\"next\""
    );
    assert_eq!((page.header("groundplan-revision"), page.header("content-type")), ("0", "application/json"));
    let next = page.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    memory.answer(|answers| answers.revisions = HistoryPage::default());
    let last = client.send(&format!("GET {next}"), &[], "").await;
    assert_eq!((last.bytes.as_ref(), last.header("link")), (br#"{"data":[],"nextPageToken":""}"#.as_slice(), ""));
    let read_mask = vec!["title".to_owned(), "author".to_owned()];
    let asked = HistoryQuery { page_size: 3, page_token: "n=".into(), read_mask };
    assert_eq!(memory.asked(), Asked::Revisions("n1".into(), asked));
    client.send("HEAD /api/v1/notes/a%20b%3AlistRevisions", &[], "").await;
    assert_eq!(memory.asked(), Asked::Revisions("a b".into(), HistoryQuery::default()));
}

#[tokio::test]
async fn invalid_revision_queries_are_rejected() {
    let (client, memory) = notes().await;
    let asked = memory.questions();
    for (request, status, message) in [
        (
            "GET /api/v1/notes/n1:listRevisions?filter=x",
            400,
            "\"filter\" is not a query parameter here; these are: pageSize, pageToken, readMask",
        ),
        ("GET /api/v1/notes/n1:listRevisions?pageSize=-1", 400, "\"pageSize\" must be an integer from 0 to 2147483647"),
        (
            "GET /api/v1/notes/n1:revisions",
            404,
            "there is no method /api/v1/notes/{id}:revisions; the nearest is /api/v1/notes/{id}:listRevisions",
        ),
        (
            "GET /api/v1/drafts/d1:listRevisions",
            404,
            "there is nothing at /api/v1/drafts/{id}:listRevisions, since notes.v1.Draft keeps no history; give the model the option history",
        ),
        (
            "GET /api/v1/drafts/d1:revisions",
            404,
            "there is no method /api/v1/drafts/{id}:revisions: records of notes.v1.Draft have none, and ids have no colon",
        ),
    ] {
        let answer = client.send(request, &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (status, message), "{request}");
    }
    for method in ["POST", "DELETE", "TRACE"] {
        let refused = client.send(&format!("{method} /api/v1/notes/n1:listRevisions"), &[], "").await;
        assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET, HEAD, OPTIONS"), "{method}");
    }
    let options = client.send("OPTIONS /api/v1/notes/n1:listRevisions", &[], "").await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (204, "GET, HEAD, OPTIONS"));
    assert_eq!(memory.questions(), asked);
    let mask = client.send("GET /api/v1/notes/n1:listRevisions?readMask=titel", &[], "").await;
    assert!(mask.error().1.starts_with("\"readMask\""), "{}", mask.error().1);
}

#[tokio::test]
async fn a_record_is_read_at_a_past_time() {
    let (client, memory) = notes().await;
    for (time, micros) in [
        ("2026-11-27T05:00:00Z", 1_795_755_600_000_000),
        ("2026-11-27T06:00:00.0000019%2B01:00", 1_795_755_600_000_001),
        ("1969-12-31T23:59:59.5Z", -500_000),
    ] {
        let answer = client.send(&format!("GET /api/v1/notes/n1?readTime={time}&readMask=title"), &[], "").await;
        assert_eq!(answer.bytes, r#"{"data":{"title":"x"}}"#, "{time}");
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, "\"a\""));
        assert_eq!(memory.asked(), Asked::GetAt("n1".into(), micros), "{time}");
    }
    client.send("GET /api/v1/notes/n1", &[], "").await;
    assert_eq!(memory.asked(), Asked::Get("n1".into(), View::default()));
    let asked = memory.questions();
    let malformed = "\"readTime\" must be a time such as 2030-12-31T23:59:59.5Z (RFC 3339)";
    for (path, message) in [
        ("notes/n1?readTime=", malformed.to_owned()),
        ("notes/n1?readTime=2026-11-27", malformed.to_owned()),
        (
            "notes/n1?readTime=2026-11-27T05:00:00+01:00",
            format!("{malformed}; the plus sign of an offset is %2B in a query"),
        ),
        ("notes/n1?readtime=x", "\"readtime\" is not a query parameter here; the nearest is readTime".to_owned()),
        (
            "drafts/d1?readTime=2026-11-27T05:00:00Z",
            "\"readTime\" needs a history, which notes.v1.Draft does not keep; give the model the option history"
                .to_owned(),
        ),
    ] {
        let answer = client.send(&format!("GET /api/v1/{path}"), &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.error().1), (400, message), "{path}");
        assert_eq!(answer.error().0, "INVALID_INPUT");
    }
    assert_eq!(memory.questions(), asked);
}

#[test]
fn the_document_has_the_histories_of_models_that_keep_one() {
    let document = openapi(&models());
    let paths = &document["paths"];
    let revisions = &paths["/api/v1/notes/{id}:listRevisions"];
    assert_eq!(revisions["get"]["operationId"], "listNoteRevisions");
    assert_eq!(parameters(&revisions["get"]), ["pageSize", "pageToken", "readMask"]);
    assert_eq!(revisions["parameters"][0]["name"], "id");
    let page = &revisions["get"]["responses"]["200"]["content"]["application/json"];
    assert_eq!(page["schema"]["$ref"], "#/components/schemas/notes.v1.Note-History");
    assert_eq!(page["example"]["data"][0]["kind"], "CREATED");
    assert_eq!(paths.get("/api/v1/drafts/{id}:listRevisions"), None);
    assert_eq!(document["components"]["schemas"].get("notes.v1.Draft-History"), None);
    let (note, draft) = (&paths["/api/v1/notes/{id}"]["get"], &paths["/api/v1/drafts/{id}"]["get"]);
    assert_eq!(parameters(note), ["If-None-Match", "readMask", "readTime"]);
    assert!(note["parameters"][2]["description"].as_str().unwrap().contains("at most 7 days"));
    assert_eq!(parameters(draft), ["If-None-Match", "readMask"]);
    let gone = json!({ "$ref": "#/components/responses/Gone" });
    assert_eq!((&note["responses"]["410"], &revisions["get"]["responses"]["410"]), (&gone, &gone));
    assert_eq!(draft["responses"].get("410"), None);
}

#[test]
fn the_document_has_watches() {
    let document = openapi(&models());
    let watch = &document["paths"]["/api/v1/drafts:watch"]["get"];
    assert_eq!((&watch["operationId"], &watch["x-groundplan-streams"]), (&json!("watchDrafts"), &json!(true)));
    let known = ["Last-Event-ID", "filter", "readMask", "start", "token", "withPrevious", "allowScan"];
    assert_eq!(parameters(watch), known);
    let start = &watch["parameters"][3]["schema"]["enum"];
    assert_eq!(*start, json!(["NOW", "INITIAL", "START_NOW", "START_INITIAL"]));
    let statuses: Vec<&str> = watch["responses"].as_object().unwrap().keys().map(String::as_str).collect();
    let failures = ["400", "401", "403", "404", "410", "429", "431", "499", "500", "501", "503", "504"];
    assert_eq!(
        statuses.iter().filter(|status| **status != "200").collect::<Vec<_>>(),
        failures.iter().collect::<Vec<_>>()
    );
    let events = &watch["responses"]["200"]["content"]["text/event-stream"];
    assert_eq!(events["x-groundplan-event-data"]["$ref"], "#/components/schemas/notes.v1.Draft-Event");
    let data = events["example"].as_str().unwrap().lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    let schema = &document["components"]["schemas"]["notes.v1.Draft-Event"]["properties"];
    assert!(data.as_object().unwrap().keys().all(|name| schema.get(name).is_some()), "{data}");
}
