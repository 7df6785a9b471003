//! The follower against a `schema` of which the test decides what it says.

mod script;

use super::fixture::{Fixture, catalog, thing};
use groundplan_chassis::transport;
use groundplan_model::catalog::MethodKind::Create;
use groundplan_proto::schema::v1::{ReportProgressRequest, Revision, RevisionState, StorageName};
use script::Script;
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// A revision of a file, as `schema` would send it.
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
async fn nothing_applied_is_ready_too() {
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
async fn the_live_revision_is_served_when_it_is_there() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    script.has(revision(3, RevisionState::Live, &thing("")));
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.serving(3).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 3);
}

#[tokio::test]
async fn a_revision_is_prepared_then_served_and_what_happens_in_a_break_is_not_missed() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.says(revision(1, RevisionState::Preparing, &thing("")));
    script.prepared(1).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 0, "not before it is live");
    script.says(revision(1, RevisionState::Live, &thing("")));
    script.serving(1).await;

    script.breaks();
    script.says(revision(2, RevisionState::Preparing, &thing("string text = 2;")));
    script.prepared(2).await;
    script.breaks();
    script.says(revision(2, RevisionState::Live, &thing("string text = 2;")));
    script.says(revision(3, RevisionState::Preparing, &thing("string text = 2; string more = 3;")));
    script.serving(2).await;
    script.prepared(3).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 2);
    assert_eq!(script.heard().tokens, ["", "0/2", "0/3"], "it goes on where it was");
}

#[tokio::test]
async fn a_revision_that_is_being_prepared_already_is_taken_up() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    script.has(revision(1, RevisionState::Live, &thing("")));
    script.has(revision(2, RevisionState::Preparing, &thing("string text = 2;")));
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.serving(1).await;
    script.prepared(2).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 1);
}

#[tokio::test]
async fn it_settles_again_when_its_token_is_refused() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.says(revision(1, RevisionState::Live, &thing("")));
    script.serving(1).await;
    // What has happened is in no log any more.
    script.has(revision(2, RevisionState::Live, &thing("string text = 2;")));
    script.has(revision(3, RevisionState::Preparing, &thing("string text = 2; string more = 3;")));
    script.is_restored();
    script.serving(2).await;
    script.prepared(3).await;
    assert_eq!(script.heard().tokens, ["", "0/1", ""]);
}

#[tokio::test]
async fn nothing_is_missed_when_schema_does_not_answer() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    script.is_silent(true);
    let mut running = script.follow(&fixture);
    script.hears("asked twice", |heard| heard.silences >= 2).await;
    assert!(!running.is_ready());
    script.is_silent(false);
    running.ready().await;

    script.is_silent(true);
    let before = script.heard().silences;
    script.says(revision(1, RevisionState::Preparing, &thing("")));
    script.hears("asked again", |heard| heard.silences > before).await;
    script.is_silent(false);
    script.prepared(1).await;
}

#[tokio::test]
async fn a_revision_that_cannot_be_taken_up_is_reported_and_the_last_one_stays() {
    let fixture = Fixture::empty().await;
    fixture.query("CREATE SCHEMA test_v1").await;
    let script = Script::new();
    script.has(revision(1, RevisionState::Live, &thing("")));
    let mut running = script.follow(&fixture);
    running.ready().await;
    fixture.query("ALTER TABLE test_v1.thing ADD COLUMN text bytea").await;
    let broken = Revision { descriptor_set: b"garbage".to_vec(), ..revision(2, RevisionState::Preparing, &thing("")) };
    let clash = revision(3, RevisionState::Preparing, &thing("string text = 2;"));
    for revision in [broken, clash] {
        let number = revision.number;
        script.says(revision);
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
    script.says(revision(4, RevisionState::Live, &thing("string other = 3;")));
    script.serving(4).await;
}

#[tokio::test]
async fn a_restored_schema_is_followed_back_and_late_news_are_not() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    script.has(revision(3, RevisionState::Live, &thing("")));
    let mut running = script.follow(&fixture);
    running.ready().await;
    // Of an older one that is not live any more: what is heard is late.
    script.tells(1, RevisionState::Live);
    // The same number of another life, then an older one, which is live.
    let other = thing("string other = 2;");
    script.says(revision(3, RevisionState::Live, &other));
    served(&fixture, 3, &other).await;
    assert!(script.heard().reports.iter().all(|report| report.serving != 1));
    let older = thing("string older = 2;");
    script.has(revision(2, RevisionState::Live, &older));
    script.is_restored();
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
async fn a_live_revision_is_served_though_one_table_is_spoiled() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &thing("")).await.unwrap();
    fixture.query("ALTER TABLE test_v1.thing ADD COLUMN text bytea").await;
    let other = "message Zebra { option (groundplan.model.v1.model) = {}; string id = 1; }";
    let source = format!("{}{other}", thing("string text = 2;"));
    let script = Script::new();
    script.has(revision(2, RevisionState::Live, &source));
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.serving(2).await;
    fixture.call("Zebra", Create, json!({"zebra": {}})).await.unwrap();
}

#[tokio::test]
async fn a_failed_preparation_does_not_forget_the_live_revision() {
    let fixture = Fixture::empty().await;
    let garbage =
        |number, state| Revision { descriptor_set: b"garbage".to_vec(), ..revision(number, state, &thing("")) };
    let script = Script::new();
    script.has(garbage(1, RevisionState::Live));
    let _running = script.follow(&fixture);
    let has_failed = |report: &ReportProgressRequest, number| {
        report
            .preparation
            .as_ref()
            .is_some_and(|preparation| preparation.revision == number && !preparation.failure.is_empty())
    };
    script.reported("failed 1", |report| has_failed(report, 1)).await;
    script.says(garbage(2, RevisionState::Preparing));
    script.reported("failed 2", |report| has_failed(report, 2)).await;
    let again = script.hears("failed 1 again", |heard| {
        heard.reports.iter().skip_while(|report| !has_failed(report, 2)).any(|report| has_failed(report, 1))
    });
    again.await;
}

#[tokio::test]
async fn the_mounted_service_answers_rest_grpc_and_reflection() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    script.has(revision(1, RevisionState::Live, &thing("string text = 2;")));
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
async fn a_follower_says_that_it_is_alive() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    let _running = script.follow(&fixture);
    script.hears("three reports", |heard| heard.reports.len() >= 3).await;
    let reports = script.heard().reports.clone();
    assert!(reports.iter().all(|report| report.follower == reports[0].follower && !report.follower.is_empty()));
}

/// A model whose ids callers give, and `Thing` with a text of it that the options say something of.
fn owned(option: &str, fields: &str) -> String {
    let owner = "message Owner { option (groundplan.model.v1.model) = { id_format: ID_FORMAT_CLIENT_ASSIGNED }; string id = 1; }\n";
    format!("{}{owner}", thing(fields).replace("model) = {}", &format!("model) = {{ {option} }}")))
}

#[tokio::test]
async fn what_a_prepared_revision_that_failed_has_left_is_taken_back() {
    const REFERS: &str =
        "string owner = 2 [(groundplan.model.v1.field).references = { model: \"Owner\" }]; string name = 3;";
    const PLAIN: &str = "string owner = 2; string name = 3;";
    let fixture = Fixture::empty().await;
    let script = Script::new();
    script.has(revision(1, RevisionState::Live, &owned("", PLAIN)));
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.serving(1).await;
    let left = async || {
        let sql = "SELECT c.conname::text FROM pg_constraint c WHERE c.contype = 'f' AND c.conrelid = 'test_v1.thing'::regclass \
                   UNION ALL SELECT t.tgname::text FROM pg_trigger t WHERE t.tgrelid = 'test_v1.thing'::regclass AND NOT t.tgisinternal \
                   UNION ALL SELECT i.indexrelid::regclass::text FROM pg_index i WHERE i.indrelid = 'test_v1.thing'::regclass \
                   AND NOT i.indisprimary";
        fixture.query(sql).await.len()
    };
    let before = left().await;
    let unique = owned("indexes: { fields: \"name\" unique: true }", REFERS);
    script.says(revision(2, RevisionState::Preparing, &unique));
    script.prepared(2).await;
    // The unique index, the index of the reference, its foreign key and its trigger.
    assert_eq!(left().await, before + 4);

    // Its apply lost its lease, though all was made.
    script.says(Revision { state: RevisionState::Failed.into(), ..revision(2, RevisionState::Failed, &unique) });
    wait_until(async || left().await == before).await;

    // What a later revision that is being prepared needs stays.
    script.says(revision(3, RevisionState::Preparing, &unique));
    script.prepared(3).await;
    script.tells(2, RevisionState::Failed);
    script.says(revision(3, RevisionState::Live, &unique));
    script.serving(3).await;
    assert_eq!(left().await, before + 4);
}

/// Waits until something holds; for ever if it never does, and then the test runner says so.
async fn wait_until(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
