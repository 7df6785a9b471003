//! Errors and obstacles while the storage is completed.

use super::fixture::{Fixture, catalog, thing};
use crate::{Progress, lock};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use groundplan_chassis::database::{Columns, Sql, rows};
use groundplan_error::Reason;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const FIELDS: &str = "string code = 2;\nint64 size = 3;";

/// Returns a file with a model `Thing` with these indexes.
fn indexed(indexes: &str) -> String {
    thing(FIELDS).replace("model) = {}", &format!("model) = {{ {indexes} }}"))
}

/// Two unique indexes; records of the same size violate the second.
const UNIQUE: &str = "indexes: { fields: \"code\" unique: true } indexes: { fields: \"size\" unique: true }";

const PLAIN: &str = "indexes: { fields: \"size\" }";

#[tokio::test]
async fn failed_apply_drops_its_indexes() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &indexed(PLAIN)).await.unwrap();
    for code in ["a", "b"] {
        fixture.insert("code, size", &format!("'{code}', 1")).await;
    }
    let error = fixture.apply(2, &indexed(&format!("{PLAIN} {UNIQUE}"))).await.unwrap_err();
    assert_eq!(error.reason(), Reason::StepFailed);
    let indexes = fixture.query("SELECT indexname::text FROM pg_indexes WHERE schemaname = 'test_v1'").await;
    assert_eq!(indexes.len(), 2, "the primary key, and the live revision's index");
    fixture.insert("code", "'a'").await;
}

#[tokio::test]
async fn failed_apply_keeps_existing_indexes() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &indexed(PLAIN)).await.unwrap();
    for code in ["a", "b"] {
        fixture.insert("code, size", &format!("'{code}', 1")).await;
    }
    // Without a base, like a process that does not know the live revision.
    let target = Arc::new(catalog(2, &indexed(&format!("{PLAIN} {UNIQUE}"))));
    fixture.prepare(None, target).await.unwrap_err();
    let indexes = fixture.query("SELECT 1 FROM pg_indexes WHERE schemaname = 'test_v1'").await;
    assert_eq!(indexes.len(), 2, "the primary key, and the live revision's index");
}

#[tokio::test]
async fn unique_indexes_are_built_last() {
    let fixture = Fixture::empty().await;
    let messages = Arc::new(Mutex::new(Vec::new()));
    let target = Arc::new(catalog(1, &indexed(&format!("{UNIQUE} {PLAIN}"))));
    let sink = messages.clone();
    let progress: Progress = Box::new(move |_, message| sink.lock().unwrap().push(message.to_owned()));
    crate::prepare(fixture.database.clone(), None, target, progress).await.unwrap();
    let messages = messages.lock().unwrap();
    let position = |start: &str| messages.iter().position(|message| message.starts_with(start)).unwrap();
    assert!(position("build an index") < position("build a unique index"), "{messages:?}");
}

#[tokio::test]
async fn lost_connection_restarts_the_work() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &thing("")).await.unwrap();
    let mut blocker = fixture.database.dedicated().await.unwrap();
    blocker.batch_execute("BEGIN; LOCK TABLE test_v1.thing IN ACCESS SHARE MODE").await.unwrap();
    let base = fixture.live();
    let target = Arc::new(catalog(2, &thing(FIELDS)));
    let work = tokio::spawn(crate::prepare(fixture.database.clone(), Some(base), target, Box::new(|_, _| {})));
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE%'";
    until_found(&fixture, terminate).await;
    drop(blocker);
    work.await.unwrap().unwrap();
}

#[tokio::test]
async fn prepare_does_not_depend_on_the_pool() {
    let fixture = Fixture::empty().await;
    let mut leases = Vec::new();
    while let Ok(lease) = fixture.database.lease().await {
        leases.push(lease);
    }
    fixture.prepare(None, Arc::new(catalog(1, &thing(FIELDS)))).await.unwrap();
}

#[tokio::test]
async fn error_names_idle_holder_of_the_lock() {
    let fixture = Fixture::empty().await;
    let mut other = fixture.database.dedicated().await.unwrap();
    let ignore: Progress = Box::new(|_, _| {});
    assert!(lock::acquire(&mut other, Duration::ZERO, &ignore).await.is_ok());
    let process = process(&mut other).await;
    let messages = Arc::new(Mutex::new(Vec::new()));
    let sink = messages.clone();
    let progress: Progress = Box::new(move |_, message| sink.lock().unwrap().push(message.to_owned()));
    let mut conn = fixture.database.dedicated().await.unwrap();
    let waiting = lock::acquire(&mut conn, Duration::from_millis(300), &progress);
    let outcome = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap();
    let error = outcome.err().unwrap().explained(&catalog(1, &thing("")));
    assert!(error.message().contains(&format!("pg_terminate_backend({process})")), "{}", error.message());
    let messages = messages.lock().unwrap();
    assert!(messages.len() == 1 && messages[0].contains(&format!("session {process}")), "{messages:?}");
}

#[tokio::test]
async fn error_names_leftovers_that_differ_in_null_or_default() {
    for (leftover, field, expected) in [
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
        assert!(error.message().contains(expected), "{leftover}: {}", error.message());
    }
}

#[tokio::test]
async fn error_names_table_without_primary_key() {
    let fixture = Fixture::empty().await;
    fixture.query("CREATE SCHEMA test_v1").await;
    let table = "test_v1.thing (_tenant text NOT NULL, _version bigint NOT NULL, id uuid NOT NULL)";
    fixture.query(&format!("CREATE TABLE {table}")).await;
    let error = fixture.apply(1, &thing("")).await.unwrap_err();
    let expected = "table test_v1.thing has no primary key, but test.v1.Thing needs one on (_tenant, id)";
    assert!(error.message().contains(expected), "{}", error.message());
    fixture.query("ALTER TABLE test_v1.thing ADD PRIMARY KEY (_tenant, id)").await;
    fixture.apply(2, &thing("")).await.unwrap();
}

#[tokio::test]
async fn repair_builds_missing_index_concurrently() {
    let fixture = Fixture::empty().await;
    let source = indexed(PLAIN);
    fixture.apply(1, &source).await.unwrap();
    let index = catalog(1, &source).models[0].indexes[0].name.clone();
    fixture.query(&format!("DROP INDEX test_v1.{index}")).await;
    // Only a concurrent build waits for an older snapshot.
    let mut reader = fixture.database.dedicated().await.unwrap();
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    process(&mut reader).await;
    let target = Arc::new(catalog(1, &source));
    let work = tokio::spawn(crate::repair(fixture.database.clone(), None, target, Box::new(|_, _| {})));
    let built = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CREATE INDEX CONCURRENTLY%'";
    until_found(&fixture, built).await;
    reader.batch_execute("COMMIT").await.unwrap();
    work.await.unwrap().unwrap();
}

#[tokio::test]
async fn repair_continues_after_errors_and_undoes_nothing() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &indexed("")).await.unwrap();
    for code in ["a", "b"] {
        fixture.insert("code, size", &format!("'{code}', 1")).await;
    }
    // The first index can be built, the second cannot, and the table of the next model is missing.
    let other = "message Zebra { option (groundplan.model.v1.model) = {}; string id = 1; }";
    let target = Arc::new(catalog(2, &format!("{}{other}", indexed(UNIQUE))));
    let repaired = crate::repair(fixture.database.clone(), None, target, Box::new(|_, _| {})).await;
    assert_eq!(repaired.unwrap_err().reason(), Reason::StepFailed);
    let indexes = fixture.query("SELECT 1 FROM pg_indexes WHERE schemaname = 'test_v1' AND tablename = 'thing'").await;
    assert_eq!(indexes.len(), 2, "the primary key, and the index that can be built");
    fixture.query("SELECT id FROM test_v1.zebra").await;
}

/// Runs a query until it returns rows.
async fn until_found(fixture: &Fixture, sql: &str) {
    let poll = async {
        while fixture.query(sql).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), poll).await.unwrap_or_else(|_| panic!("no rows: {sql}"));
}

/// Returns the server's process of a connection.
async fn process(conn: &mut AsyncPgConnection) -> i32 {
    rows(conn, &Sql::new("SELECT pg_backend_pid()"), &[]).await.unwrap()[0].i32(0).unwrap().unwrap()
}
