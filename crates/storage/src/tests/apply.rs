use super::fixture::{Fixture, catalog, thing};
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use groundplan_chassis::database::Columns;
use groundplan_error::Reason;
use std::sync::Arc;
use std::time::Duration;

/// A unique index on `code`, and an ordinary one on `code` and `size`.
const INDEXED: &str = "
syntax = \"proto3\";
package test.v1;
import \"groundplan/model/v1/model.proto\";
message Thing {
  option (groundplan.model.v1.model) = {
    indexes: { fields: \"code\" unique: true }
    indexes: { fields: \"code\" fields: \"size desc\" reason: \"by size\" }
  };
  string id = 1;
  string code = 2;
  int64 size = 3;
}
";

fn plain() -> String {
    thing("string code = 2;\nint64 size = 3;")
}

#[tokio::test]
async fn repeated_prepare_does_nothing() {
    let fixture = Fixture::empty().await;
    let target = Arc::new(catalog(1, INDEXED));
    assert!(fixture.prepare(None, target.clone()).await.unwrap() > 0);
    assert_eq!(fixture.prepare(None, target.clone()).await.unwrap(), 0);
    // The schema service's database was replaced: the same number, other models.
    let other = Arc::new(catalog(1, &thing("string other = 2;")));
    assert!(fixture.prepare(None, other).await.unwrap() > 0);
    // Dropped objects are restored.
    fixture.query("ALTER TABLE test_v1.thing DROP COLUMN size").await;
    let later = Arc::new(catalog(2, INDEXED));
    assert!(fixture.prepare(Some(target), later).await.unwrap() > 0);
    assert_eq!(fixture.query("SELECT size, other FROM test_v1.thing").await.len(), 0);
}

#[tokio::test]
async fn error_names_leftover_of_another_type() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &thing("")).await.unwrap();
    fixture.query("ALTER TABLE test_v1.thing ADD COLUMN size text").await;
    let error = fixture.apply(2, &plain()).await.unwrap_err();
    assert_eq!(error.reason(), Reason::StepFailed);
    let message = error.message();
    assert!(message.contains("column size of table test_v1.thing is text"), "{message}");
    assert!(message.contains("needs bigint"), "{message}");
    fixture.query("ALTER TABLE test_v1.thing DROP COLUMN size").await;
    fixture.apply(3, &plain()).await.unwrap();
}

#[tokio::test]
async fn error_names_index_and_fields_of_duplicates() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &plain()).await.unwrap();
    for _ in 0..2 {
        fixture.insert("code", "'twin'").await;
    }
    let error = fixture.apply(2, INDEXED).await.unwrap_err();
    assert_eq!(error.reason(), Reason::StepFailed);
    let index = &catalog(2, INDEXED).models[0].indexes[0].name;
    for part in [index.as_str(), "the same code", "twin", "test.v1.Thing"] {
        assert!(error.message().contains(part), "{part}: {}", error.message());
    }
    // The failed build leaves no invalid index, and a later apply succeeds.
    assert!(fixture.query("SELECT 1 FROM pg_index WHERE NOT indisvalid").await.is_empty());
    fixture.query("DELETE FROM test_v1.thing").await;
    fixture.apply(3, INDEXED).await.unwrap();
}

#[tokio::test]
async fn invalid_index_of_killed_build_is_rebuilt() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &plain()).await.unwrap();
    let index = catalog(2, INDEXED).models[0].indexes[1].name.clone();
    fixture.query(&format!("CREATE INDEX {index} ON test_v1.thing (code)")).await;
    fixture
        .query("UPDATE pg_index SET indisvalid = false WHERE indexrelid = (SELECT max(indexrelid) FROM pg_index)")
        .await;
    fixture.apply(2, INDEXED).await.unwrap();
    let definitions = fixture.query(&format!("SELECT pg_get_indexdef('test_v1.{index}'::regclass)")).await;
    assert!(definitions[0].text(0).unwrap().unwrap().contains("size DESC"));
}

#[tokio::test]
async fn concurrent_processes_work_once() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &plain()).await.unwrap();
    let base = fixture.live();
    let target = Arc::new(catalog(2, INDEXED));
    let mut work = Vec::new();
    for _ in 0..4 {
        let database = fixture.another_database().await;
        let (base, target) = (Some(base.clone()), target.clone());
        work.push(tokio::spawn(crate::prepare(database, base, target, Box::new(|_, _| {}))));
    }
    let mut steps = Vec::new();
    for prepared in work {
        steps.push(prepared.await.unwrap().unwrap());
    }
    steps.sort_unstable();
    assert_eq!(steps[..3], [0, 0, 0], "only one works");
    assert!(steps[3] > 0);
    let locks = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory'";
    assert!(fixture.query(locks).await.is_empty(), "the lock is released");
}

#[tokio::test]
async fn prepare_waits_for_locked_table() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &thing("")).await.unwrap();
    let blocker = fixture.another_database().await;
    let mut lease = blocker.lease().await.unwrap();
    lease
        .run(async |conn| {
            conn.transaction(async |conn| {
                conn.batch_execute("LOCK TABLE test_v1.thing IN ACCESS SHARE MODE").await?;
                let base = fixture.live();
                let target = Arc::new(catalog(2, &plain()));
                let work = fixture.prepare(Some(base), target);
                // Longer than the lock timeout of one attempt.
                assert!(tokio::time::timeout(Duration::from_millis(2_600), work).await.is_err());
                Ok::<_, diesel::result::Error>(())
            })
            .await
        })
        .await
        .unwrap();
    // The abandoned work finishes in its task, and the second apply finds it done.
    fixture.apply(2, &plain()).await.unwrap();
    fixture.insert("size", "1").await;
}
