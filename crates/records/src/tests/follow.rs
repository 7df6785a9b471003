//! The follower with a scripted `schema`.

mod script;
mod withdrawal;

use super::fixture::{Fixture, catalog, thing};
use groundplan_chassis::transport;
use groundplan_model::catalog::MethodKind::Create;
use groundplan_proto::schema::v1::{ReportProgressRequest, Revision, RevisionState, StorageName};
use script::Script;
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Returns a revision of a file like `schema` sends it.
fn revision(number: i64, state: RevisionState, source: &str) -> Revision {
    let catalog = catalog(number, source);
    let mut storage_names = Vec::new();
    for model in &catalog.models {
        for field in &model.shape().fields {
            let (message, number) = (model.full_name.clone(), i32::try_from(field.number).unwrap());
            storage_names.push(StorageName { message, number, name: field.storage_name.clone() });
        }
    }
    let descriptor_set = catalog.descriptor_set.to_vec();
    Revision { number, state: state.into(), descriptor_set, storage_names, ..Revision::default() }
}

#[tokio::test]
async fn process_without_revisions_is_ready() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.serving(0).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 0);
    running.stop.cancel();
    script.reported("leaving", |report| report.leaving).await;
    while running.tasks.join_next().await.is_some() {}
}

#[tokio::test]
async fn existing_live_revision_is_served() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    script.add(revision(3, RevisionState::Live, &thing("")));
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.serving(3).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 3);
}

#[tokio::test]
async fn revision_is_prepared_then_served_across_broken_streams() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.publish(revision(1, RevisionState::Preparing, &thing("")));
    script.prepared(1).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 0, "not before it is live");
    script.publish(revision(1, RevisionState::Live, &thing("")));
    script.serving(1).await;

    script.break_streams();
    script.publish(revision(2, RevisionState::Preparing, &thing("string text = 2;")));
    script.prepared(2).await;
    script.break_streams();
    script.publish(revision(2, RevisionState::Live, &thing("string text = 2;")));
    script.publish(revision(3, RevisionState::Preparing, &thing("string text = 2; string more = 3;")));
    script.serving(2).await;
    script.prepared(3).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 2);
    assert_eq!(script.received().tokens, ["", "0/2", "0/3"], "it resumes after its last token");
}

#[tokio::test]
async fn revision_in_preparation_is_prepared_at_start() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    script.add(revision(1, RevisionState::Live, &thing("")));
    script.add(revision(2, RevisionState::Preparing, &thing("string text = 2;")));
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.serving(1).await;
    script.prepared(2).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 1);
}

#[tokio::test]
async fn follower_restarts_when_its_token_is_rejected() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.publish(revision(1, RevisionState::Live, &thing("")));
    script.serving(1).await;
    // The log no longer contains the events.
    script.add(revision(2, RevisionState::Live, &thing("string text = 2;")));
    script.add(revision(3, RevisionState::Preparing, &thing("string text = 2; string more = 3;")));
    script.restore();
    script.serving(2).await;
    script.prepared(3).await;
    assert_eq!(script.received().tokens, ["", "0/1", ""]);
}

#[tokio::test]
async fn follower_catches_up_after_schema_was_unavailable() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    script.set_unavailable(true);
    let mut running = script.follow(&fixture);
    script.wait_for("asked twice", |received| received.rejections >= 2).await;
    assert!(!running.is_ready());
    script.set_unavailable(false);
    running.ready().await;

    script.set_unavailable(true);
    let before = script.received().rejections;
    script.publish(revision(1, RevisionState::Preparing, &thing("")));
    script.wait_for("asked again", |received| received.rejections > before).await;
    script.set_unavailable(false);
    script.prepared(1).await;
}

#[tokio::test]
async fn failed_revision_is_reported_and_the_served_one_remains() {
    let fixture = Fixture::empty().await;
    fixture.query("CREATE SCHEMA test_v1").await;
    let script = Script::new();
    script.add(revision(1, RevisionState::Live, &thing("")));
    let mut running = script.follow(&fixture);
    running.ready().await;
    fixture.query("ALTER TABLE test_v1.thing ADD COLUMN text bytea").await;
    let broken = Revision { descriptor_set: b"garbage".to_vec(), ..revision(2, RevisionState::Preparing, &thing("")) };
    let clash = revision(3, RevisionState::Preparing, &thing("string text = 2;"));
    for revision in [broken, clash] {
        let number = revision.number;
        script.publish(revision);
        let failed = script.reported("failed", |report| {
            report
                .preparation
                .as_ref()
                .is_some_and(|preparation| preparation.revision == number && !preparation.failure.is_empty())
        });
        let failure = failed.await.preparation.unwrap().failure;
        assert!(number == 2 || failure.contains("column text of table test_v1.thing is bytea"), "{failure}");
    }
    assert_eq!(fixture.records.served().unwrap().revision(), 1);
    script.publish(revision(4, RevisionState::Live, &thing("string other = 3;")));
    script.serving(4).await;
}

#[tokio::test]
async fn restored_schema_is_followed_and_outdated_events_are_ignored() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    script.add(revision(3, RevisionState::Live, &thing("")));
    let mut running = script.follow(&fixture);
    running.ready().await;
    // An outdated event of an older revision that is no longer live.
    script.append(1, RevisionState::Live);
    // The same number from another incarnation, then an older revision, which is live.
    let other = thing("string other = 2;");
    script.publish(revision(3, RevisionState::Live, &other));
    served(&fixture, 3, &other).await;
    assert!(script.received().reports.iter().all(|report| report.serving != 1));
    let older = thing("string older = 2;");
    script.add(revision(2, RevisionState::Live, &older));
    script.restore();
    script.serving(2).await;
    served(&fixture, 2, &older).await;
}

/// Waits until a revision is served.
async fn served(fixture: &Fixture, number: i64, source: &str) {
    let expected = catalog(number, source).descriptor_set;
    let waiting = async {
        while fixture.records.served().unwrap().catalog.descriptor_set != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
    assert_eq!(fixture.records.served().unwrap().revision(), number);
}

#[tokio::test]
async fn live_revision_is_served_although_one_table_is_broken() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &thing("")).await.unwrap();
    fixture.query("ALTER TABLE test_v1.thing ADD COLUMN text bytea").await;
    let other = "message Zebra { option (groundplan.model.v1.model) = {}; string id = 1; }";
    let source = format!("{}{other}", thing("string text = 2;"));
    let script = Script::new();
    script.add(revision(2, RevisionState::Live, &source));
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.serving(2).await;
    fixture.call("Zebra", Create, json!({"zebra": {}})).await.unwrap();
}

#[tokio::test]
async fn failed_preparation_keeps_the_live_revision() {
    let fixture = Fixture::empty().await;
    let garbage =
        |number, state| Revision { descriptor_set: b"garbage".to_vec(), ..revision(number, state, &thing("")) };
    let script = Script::new();
    script.add(garbage(1, RevisionState::Live));
    let _running = script.follow(&fixture);
    let has_failed = |report: &ReportProgressRequest, number| {
        report
            .preparation
            .as_ref()
            .is_some_and(|preparation| preparation.revision == number && !preparation.failure.is_empty())
    };
    script.reported("failed 1", |report| has_failed(report, 1)).await;
    script.publish(garbage(2, RevisionState::Preparing));
    script.reported("failed 2", |report| has_failed(report, 2)).await;
    let again = script.wait_for("failed 1 again", |received| {
        received.reports.iter().skip_while(|report| !has_failed(report, 2)).any(|report| has_failed(report, 1))
    });
    again.await;
}

#[tokio::test]
async fn mounted_service_serves_rest_grpc_and_reflection() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    script.add(revision(1, RevisionState::Live, &thing("string text = 2;")));
    let stop = CancellationToken::new();
    let dependencies = crate::Dependencies {
        database: fixture.database.clone(),
        schema: script.transport(),
        settings: crate::Settings::default(),
        memory: groundplan_budget::Memory::new(64 << 20),
        stop: stop.clone(),
    };
    let mut mounted = crate::mount(dependencies).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), mounted.ready[0].wait_for(|ready| *ready)).await.unwrap().unwrap();
    let transport = transport::local(mounted.router);
    let ask = |method: &str, path: &str, kind: &str, body: &'static [u8]| {
        let request = http::Request::builder().method(method).uri(path).header("content-type", kind);
        let body = tonic::body::Body::new(axum::body::Body::from(body));
        transport.clone().oneshot(request.body(body).unwrap())
    };
    let created = ask("POST", "/api/v1/things", "application/json", br#"{"text":"x"}"#).await.unwrap();
    assert_eq!(created.status(), 201);
    let listed = ask("POST", "/test.v1.ThingService/ListThings", "application/grpc", b"\0\0\0\0\0").await.unwrap();
    assert_eq!(listed.headers()["groundplan-revision"], "1");
    assert!(listed.headers().get("grpc-status").is_none(), "{:?}", listed.headers());
    assert_eq!(ask("GET", "/api/v1/nothing", "", b"").await.unwrap().status(), 404);
    assert_eq!(ask("GET", "/", "", b"").await.unwrap().status(), 404);
    let method = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let reflected = ask("POST", method, "application/grpc", b"\0\0\0\0\x02\x3a\0").await.unwrap();
    assert!(reflected.headers().get("grpc-status").is_none(), "{:?}", reflected.headers());
    stop.cancel();
    while mounted.tasks.join_next().await.is_some() {}
}

#[tokio::test]
async fn follower_sends_heartbeats() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    let _running = script.follow(&fixture);
    script.wait_for("three reports", |received| received.reports.len() >= 3).await;
    let reports = script.received().reports.clone();
    assert!(reports.iter().all(|report| report.follower == reports[0].follower && !report.follower.is_empty()));
}
