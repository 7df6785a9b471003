//! The storage when something stands in its way.

use super::fixture::{Fixture, catalog, thing};
use crate::storage::{self, Progress, lock};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use groundplan_chassis::database::{Columns, Sql, rows};
use groundplan_error::Reason;
use groundplan_model::catalog::MethodKind::Create;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const FIELDS: &str = "string code = 2;\nint64 size = 3;";

/// A model `Thing` with these indexes.
fn indexed(indexes: &str) -> String {
    thing(FIELDS).replace("model) = {}", &format!("model) = {{ {indexes} }}"))
}

/// Both are unique; records of the same size stand in the way of the second.
const UNIQUE: &str = "indexes: { fields: \"code\" unique: true } indexes: { fields: \"size\" unique: true }";

const PLAIN: &str = "indexes: { fields: \"size\" }";

#[tokio::test]
async fn a_failed_apply_leaves_no_index_to_be_obeyed() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &indexed(PLAIN)).await.unwrap();
    for code in ["a", "b"] {
        fixture.call("Thing", Create, json!({"thing": {"code": code, "size": "1"}})).await.unwrap();
    }
    let error = fixture.apply(2, &indexed(&format!("{PLAIN} {UNIQUE}"))).await.unwrap_err();
    assert_eq!(error.reason(), Reason::StepFailed);
    let found = fixture.query("SELECT indexname::text FROM pg_indexes WHERE schemaname = 'test_v1'").await;
    assert_eq!(found.len(), 2, "the primary key, and the live revision's index");
    fixture.call("Thing", Create, json!({"thing": {"code": "a"}})).await.unwrap();
}

#[tokio::test]
async fn what_a_failed_apply_found_stays() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &indexed(PLAIN)).await.unwrap();
    for code in ["a", "b"] {
        fixture.call("Thing", Create, json!({"thing": {"code": code, "size": "1"}})).await.unwrap();
    }
    // Without a base, as a process that does not know what is live.
    let target = Arc::new(catalog(2, &indexed(&format!("{PLAIN} {UNIQUE}"))));
    fixture.prepare(None, target).await.unwrap_err();
    let found = fixture.query("SELECT 1 FROM pg_indexes WHERE schemaname = 'test_v1'").await;
    assert_eq!(found.len(), 2, "the primary key, and the live revision's index");
}

#[tokio::test]
async fn unique_indexes_are_built_last() {
    let fixture = Fixture::empty().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let target = Arc::new(catalog(1, &indexed(&format!("{UNIQUE} {PLAIN}"))));
    let heard = told.clone();
    let progress: Progress = Box::new(move |_, message| heard.lock().unwrap().push(message.to_owned()));
    storage::prepare(fixture.database.clone(), None, target, progress).await.unwrap();
    let told = told.lock().unwrap();
    let place = |start: &str| told.iter().position(|message| message.starts_with(start)).unwrap();
    assert!(place("build an index") < place("build a unique index"), "{told:?}");
}

#[tokio::test]
async fn work_begins_again_when_its_connection_is_lost() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &thing("")).await.unwrap();
    let mut blocker = fixture.database.dedicated().await.unwrap();
    blocker.batch_execute("BEGIN; LOCK TABLE test_v1.thing IN ACCESS SHARE MODE").await.unwrap();
    let base = fixture.records.served().unwrap().catalog.clone();
    let target = Arc::new(catalog(2, &thing(FIELDS)));
    let work = tokio::spawn(storage::prepare(fixture.database.clone(), Some(base), target, Box::new(|_, _| {})));
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE%'";
    until_found(&fixture, end).await;
    drop(blocker);
    work.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_busy_pool_keeps_no_storage_from_being_made() {
    let fixture = Fixture::empty().await;
    let mut leases = Vec::new();
    while let Ok(lease) = fixture.database.lease().await {
        leases.push(lease);
    }
    fixture.prepare(None, Arc::new(catalog(1, &thing(FIELDS)))).await.unwrap();
}

#[tokio::test]
async fn who_keeps_the_lock_is_named_and_not_waited_for_without_end() {
    let fixture = Fixture::empty().await;
    let mut other = fixture.database.dedicated().await.unwrap();
    let nobody: Progress = Box::new(|_, _| {});
    assert!(lock::acquire(&mut other, Duration::ZERO, &nobody).await.is_ok());
    let process = process(&mut other).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    let progress: Progress = Box::new(move |_, message| heard.lock().unwrap().push(message.to_owned()));
    let mut conn = fixture.database.dedicated().await.unwrap();
    let waiting = lock::acquire(&mut conn, Duration::from_millis(300), &progress);
    let outcome = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap();
    let error = outcome.err().unwrap().explained(&catalog(1, &thing("")));
    assert!(error.message().contains(&format!("pg_terminate_backend({process})")), "{}", error.message());
    let told = told.lock().unwrap();
    assert!(told.len() == 1 && told[0].contains(&format!("session {process}")), "{told:?}");
}

#[tokio::test]
async fn leftovers_that_differ_in_more_than_their_type_are_named() {
    for (leftover, field, words) in [
        (
            "size bigint",
            "int64 size = 2;",
            "size of table test_v1.thing is bigint, but test.v1.Thing needs bigint NOT NULL",
        ),
        (
            "size bigint NOT NULL",
            "int64 size = 2;",
            "is bigint NOT NULL, but test.v1.Thing needs bigint NOT NULL with a default",
        ),
        (
            "size bigint NOT NULL DEFAULT 0",
            "optional int64 size = 2;",
            "with a default, but test.v1.Thing needs bigint:",
        ),
        ("tags text[]", "repeated string tags = 2;", "DROP COLUMN \"tags\""),
    ] {
        let fixture = Fixture::empty().await;
        fixture.apply(1, &thing("")).await.unwrap();
        fixture.query(&format!("ALTER TABLE test_v1.thing ADD COLUMN {leftover}")).await;
        let error = fixture.apply(2, &thing(field)).await.unwrap_err();
        assert!(error.message().contains(words), "{leftover}: {}", error.message());
    }
}

#[tokio::test]
async fn a_table_without_its_key_is_named() {
    let fixture = Fixture::empty().await;
    fixture.query("CREATE SCHEMA test_v1").await;
    let table = "test_v1.thing (_tenant text NOT NULL, _version bigint NOT NULL, id uuid NOT NULL)";
    fixture.query(&format!("CREATE TABLE {table}")).await;
    let error = fixture.apply(1, &thing("")).await.unwrap_err();
    let words = "table test_v1.thing has no primary key, but test.v1.Thing needs one on (_tenant, id)";
    assert!(error.message().contains(words), "{}", error.message());
    fixture.query("ALTER TABLE test_v1.thing ADD PRIMARY KEY (_tenant, id)").await;
    fixture.apply(2, &thing("")).await.unwrap();
}

#[tokio::test]
async fn an_index_that_the_live_revision_lacks_is_built_beside_writes() {
    let fixture = Fixture::empty().await;
    let source = indexed(PLAIN);
    fixture.apply(1, &source).await.unwrap();
    let index = catalog(1, &source).models[0].indexes[0].name.clone();
    fixture.query(&format!("DROP INDEX test_v1.{index}")).await;
    // Only a build beside writes waits for a snapshot that is older.
    let mut reader = fixture.database.dedicated().await.unwrap();
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    process(&mut reader).await;
    let target = Arc::new(catalog(1, &source));
    let work = tokio::spawn(storage::repair(fixture.database.clone(), None, target, Box::new(|_, _| {})));
    let built = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CREATE INDEX CONCURRENTLY%'";
    until_found(&fixture, built).await;
    reader.batch_execute("COMMIT").await.unwrap();
    work.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_repair_does_what_it_can_and_takes_nothing_back() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &indexed("")).await.unwrap();
    for code in ["a", "b"] {
        fixture.call("Thing", Create, json!({"thing": {"code": code, "size": "1"}})).await.unwrap();
    }
    // The first of the two can be built, the second cannot, and the model after it has no table.
    let other = "message Zebra { option (groundplan.model.v1.model) = {}; string id = 1; }";
    let target = Arc::new(catalog(2, &format!("{}{other}", indexed(UNIQUE))));
    let repaired = storage::repair(fixture.database.clone(), None, target, Box::new(|_, _| {})).await;
    assert_eq!(repaired.unwrap_err().reason(), Reason::StepFailed);
    let found = fixture.query("SELECT 1 FROM pg_indexes WHERE schemaname = 'test_v1' AND tablename = 'thing'").await;
    assert_eq!(found.len(), 2, "the primary key, and the index that can be built");
    fixture.query("SELECT id FROM test_v1.zebra").await;
}

/// Runs a query until it finds something.
async fn until_found(fixture: &Fixture, sql: &str) {
    let found = async {
        while fixture.query(sql).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.unwrap_or_else(|_| panic!("nothing found: {sql}"));
}

/// The server's process of a connection.
async fn process(conn: &mut AsyncPgConnection) -> i32 {
    rows(conn, &Sql::new("SELECT pg_backend_pid()"), &[]).await.unwrap()[0].i32(0).unwrap().unwrap()
}
