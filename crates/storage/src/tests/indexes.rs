//! Trigram, full-text and element indexes.

use super::fixture::{Fixture, catalog};
use diesel_async::SimpleAsyncConnection as _;
use groundplan_chassis::database::{Columns, Sql, rows};
use groundplan_error::Reason;
use std::sync::Arc;

const MODELS: &str = "
syntax = \"proto3\";
package test.v1;
import \"groundplan/model/v1/model.proto\";
message Thing {
  option (groundplan.model.v1.model) = {
    indexes: { fields: \"title\" method: INDEX_METHOD_TRIGRAM }
    indexes: { fields: \"note\" method: INDEX_METHOD_SEARCH language: \"english\" reason: \"words\" }
    indexes: { fields: \"tags\" method: INDEX_METHOD_ELEMENTS }
    indexes: { fields: \"counts\" method: INDEX_METHOD_ELEMENTS }
  };
  string id = 1;
  string title = 2;
  optional string note = 3;
  repeated string tags = 4;
  repeated uint64 counts = 5;
}
";

/// Returns PostgreSQL's plan without sequential scans.
async fn plan(fixture: &Fixture, condition: &str) -> String {
    let mut conn = fixture.database.dedicated().await.unwrap();
    conn.batch_execute("SET enable_seqscan = off; SET enable_indexscan = off").await.unwrap();
    let sql = Sql::new(&format!("EXPLAIN SELECT 1 FROM test_v1.thing r WHERE {condition}"));
    let lines = rows(&mut conn, &sql, &[]).await.unwrap();
    lines.iter().map(|line| line.text(0).unwrap().unwrap()).collect::<Vec<String>>().join("\n")
}

/// Checks that each index exists and is used.
async fn assert_used(fixture: &Fixture) {
    let model = &catalog(1, MODELS).models[0];
    for (index, condition) in model.indexes.iter().zip([
        "r.title LIKE '%middle%'",
        "to_tsvector('english'::regconfig, r.note) @@ websearch_to_tsquery('english'::regconfig, 'words')",
        "r.tags @> ARRAY['one']",
        "r.counts @> ARRAY[18446744073709551615::numeric(20)]",
    ]) {
        let plan = plan(fixture, condition).await;
        assert!(plan.contains(&format!("Bitmap Index Scan on {}", index.name)), "{condition}: {plan}");
    }
}

#[tokio::test]
async fn each_index_method_serves_its_conditions() {
    let fixture = Fixture::empty().await;
    let target = Arc::new(catalog(1, MODELS));
    fixture.prepare(None, target.clone()).await.unwrap();
    assert_used(&fixture).await;
    assert_eq!(fixture.prepare(None, target.clone()).await.unwrap(), 0);
    // Dropped indexes are rebuilt.
    fixture.query(&format!("DROP INDEX test_v1.{}", target.models[0].indexes[0].name)).await;
    assert!(fixture.prepare(None, target).await.unwrap() > 0);
    assert_used(&fixture).await;
}

#[tokio::test]
async fn indexes_are_built_on_table_with_records() {
    let fixture = Fixture::empty().await;
    let plain = MODELS.lines().filter(|line| !line.contains("indexes:")).collect::<Vec<&str>>().join("\n");
    let base = Arc::new(catalog(1, &plain));
    fixture.prepare(None, base.clone()).await.unwrap();
    let insert = "INSERT INTO test_v1.thing (_tenant, _version, id, title, tags) \
                  VALUES ('t', 1, gen_random_uuid(), 'in the middle', '{one,two}')";
    fixture.query(insert).await;
    fixture.prepare(Some(base), Arc::new(catalog(2, MODELS))).await.unwrap();
    assert_used(&fixture).await;
}

#[tokio::test]
async fn extension_can_be_in_another_schema() {
    let fixture = Fixture::empty().await;
    fixture.query("CREATE SCHEMA \"some where\"").await;
    fixture.query("CREATE EXTENSION pg_trgm SCHEMA \"some where\"").await;
    fixture.prepare(None, Arc::new(catalog(1, MODELS))).await.unwrap();
    assert_used(&fixture).await;
    assert!(fixture.query("SELECT 1 FROM pg_namespace WHERE nspname = 'groundplan_extensions'").await.is_empty());
}

#[tokio::test]
async fn error_explains_rejected_extension() {
    let fixture = Fixture::empty().await;
    let reject = "CREATE FUNCTION public.reject_extension() RETURNS event_trigger LANGUAGE plpgsql AS \
                  'BEGIN RAISE EXCEPTION ''permission denied to create extension''; END'";
    fixture.query(reject).await;
    fixture
        .query("CREATE EVENT TRIGGER reject_extension ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION public.reject_extension()")
        .await;
    let error = fixture.prepare(None, Arc::new(catalog(1, MODELS))).await.unwrap_err();
    assert_eq!(error.reason(), Reason::StepFailed);
    for part in
        ["a trigram index for test.v1.Thing", "permission denied", "let a superuser run `CREATE EXTENSION pg_trgm`"]
    {
        assert!(error.message().contains(part), "{part}: {}", error.message());
    }
}

#[tokio::test]
async fn table_with_another_collation_is_unchanged() {
    let fixture = Fixture::empty().await;
    fixture.query("CREATE SCHEMA test_v1").await;
    fixture
        .query(
            "CREATE TABLE test_v1.thing (_tenant text COLLATE \"C\" NOT NULL, _version bigint NOT NULL, id uuid NOT NULL, \
             title text NOT NULL DEFAULT '', note text, tags text[] NOT NULL DEFAULT '{}', \
             counts numeric(20)[] NOT NULL DEFAULT '{}', PRIMARY KEY (_tenant, id))",
        )
        .await;
    fixture.prepare(None, Arc::new(catalog(1, MODELS))).await.unwrap();
    assert_used(&fixture).await;
}

#[tokio::test]
async fn new_text_columns_have_collation_c() {
    let fixture = Fixture::empty().await;
    fixture.prepare(None, Arc::new(catalog(1, MODELS))).await.unwrap();
    let sql = "SELECT a.attname::text FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation \
               WHERE a.attrelid = 'test_v1.thing'::regclass AND c.collname = 'C' ORDER BY 1";
    let rows = fixture.query(sql).await;
    let columns: Vec<String> = rows.iter().map(|row| row.text(0).unwrap().unwrap()).collect();
    assert_eq!(columns, ["_tenant", "note", "tags", "title"]);
}
