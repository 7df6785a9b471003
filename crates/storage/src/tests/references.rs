//! Foreign keys: on new tables, on new columns, and on columns that held ordinary texts.

use super::fixture::{Fixture, catalog};
use diesel_async::SimpleAsyncConnection as _;
use groundplan_chassis::database::Columns;
use groundplan_error::Reason;
use groundplan_model::catalog::Catalog;
use groundplan_model::{Input, SourceFile, Step, StepKind, StorageNames, plan};
use std::sync::Arc;

pub(super) const TENANT: &str =
    "INSERT INTO test_v1.shelf (_tenant, _version, id) VALUES ('t', 1, 'a'), ('t', 1, 'b'), ('other', 1, 'c')";

/// Returns models of books and shelves with client-assigned ids. `to` is the option of the field `shelf`.
fn library(to: &str) -> String {
    format!(
        "syntax = \"proto3\";\npackage test.v1;\nimport \"groundplan/model/v1/model.proto\";\n\
         message Shelf {{ option (groundplan.model.v1.model) = {{ id_format: ID_FORMAT_CLIENT_ASSIGNED }}; string id = 1; }}\n\
         message Book {{ option (groundplan.model.v1.model) = {{}}; string id = 1; string shelf = 2 {to}; string title = 3;\n\
         string sequel_id = 4 [(groundplan.model.v1.field).references = {{ model: \"Book\" on_delete: ON_DELETE_CASCADE }}]; }}\n"
    )
}

pub(super) fn refers(options: &str) -> String {
    library(&format!("[(groundplan.model.v1.field).references = {{ model: \"Shelf\" {options} }}]"))
}

/// Returns a statement that inserts a book with only a title and a shelf.
pub(super) fn book(number: u32, shelf: &str) -> String {
    format!(
        "INSERT INTO test_v1.book (_tenant, _version, id, title, shelf) \
         VALUES ('t', 1, '00000000-0000-0000-0000-{number:012}', '', '{shelf}')"
    )
}

/// Runs a statement and returns PostgreSQL's error.
pub(super) async fn attempt(fixture: &Fixture, sql: &str) -> Result<(), String> {
    let mut conn = fixture.database.dedicated().await.unwrap();
    conn.batch_execute(sql).await.map_err(|error| error.to_string())
}

/// Returns the number of rows of a query.
pub(super) async fn count(fixture: &Fixture, sql: &str) -> usize {
    fixture.query(sql).await.len()
}

/// Reports whether the column of `shelf` is `NOT NULL`, and whether it has a default.
async fn shelf_column(fixture: &Fixture) -> (bool, bool) {
    let sql = "SELECT attnotnull, atthasdef FROM pg_attribute WHERE attrelid = 'test_v1.book'::regclass AND attname = 'shelf'";
    let found = fixture.query(sql).await;
    (found[0].bool(0).unwrap().unwrap(), found[0].bool(1).unwrap().unwrap())
}

/// Creates a revision with `shelf` as an ordinary text, and some shelves and books.
async fn with_texts(shelves: &[&str]) -> (Fixture, Arc<Catalog>) {
    let fixture = Fixture::empty().await;
    let base = Arc::new(catalog(1, &library("")));
    fixture.prepare(None, base.clone()).await.unwrap();
    attempt(&fixture, TENANT).await.unwrap();
    for (number, shelf) in (0..).zip(shelves) {
        attempt(&fixture, &book(number, shelf)).await.unwrap();
    }
    (fixture, base)
}

/// Returns the step that turns `shelf` into a reference.
fn reference_step(base: &Catalog, target: &Catalog) -> Step {
    let steps = plan(Some(base), target).unwrap().steps;
    steps.into_iter().find(|step| step.kind == StepKind::AddReference).unwrap()
}

#[tokio::test]
async fn new_tables_have_foreign_keys() {
    let fixture = Fixture::empty().await;
    let target = Arc::new(catalog(1, &refers("on_delete: ON_DELETE_SET_NULL")));
    fixture.prepare(None, target.clone()).await.unwrap();
    assert_eq!(fixture.prepare(None, target).await.unwrap(), 0);
    attempt(&fixture, TENANT).await.unwrap();
    attempt(&fixture, &book(1, "a")).await.unwrap();
    let refusal = attempt(&fixture, &book(2, "missing")).await.unwrap_err();
    assert!(refusal.contains("book_shelf_exists_"), "{refusal}");
    // A shelf of another tenant is not visible.
    attempt(&fixture, &book(2, "c")).await.unwrap_err();
    let sequel = "INSERT INTO test_v1.book (_tenant, _version, id, sequel_id) \
                  SELECT 't', 1, '00000000-0000-0000-0000-00000000000f', id FROM test_v1.book";
    attempt(&fixture, sequel).await.unwrap();
    attempt(&fixture, "DELETE FROM test_v1.shelf WHERE id = 'a'").await.unwrap();
    assert_eq!(count(&fixture, "SELECT 1 FROM test_v1.book WHERE shelf IS NULL").await, 2, "set to NULL");
    attempt(&fixture, "DELETE FROM test_v1.book WHERE sequel_id IS NULL").await.unwrap();
    assert_eq!(count(&fixture, "SELECT 1 FROM test_v1.book").await, 0, "its sequel is deleted too");
}

#[tokio::test]
async fn packages_can_refer_to_each_other() {
    let model = |package: &str, name: &str, to: &str| SourceFile {
        path: format!("{package}.proto"),
        content: format!(
            "syntax = \"proto3\";\npackage {package};\nimport \"groundplan/model/v1/model.proto\";\n\
             message {name} {{ option (groundplan.model.v1.model) = {{}}; string id = 1;\n\
             string other = 2 [(groundplan.model.v1.field).references = {{ model: \"{to}\" inverse: \"back\" }}]; }}\n"
        ),
    };
    let files = vec![model("one.v1", "One", "two.v1.Two"), model("two.v1", "Two", "one.v1.One")];
    let compiled = groundplan_model::compile(Input::Files(files), &StorageNames::default()).unwrap();
    let target = groundplan_model::load(1, compiled.catalog.descriptor_set, &compiled.storage_names).unwrap();
    let fixture = Fixture::empty().await;
    fixture.prepare(None, Arc::new(target)).await.unwrap();
    let id = "00000000-0000-0000-0000-000000000001";
    let insert = |table: &str, other: &str| {
        format!("INSERT INTO {table} (_tenant, _version, id, other) VALUES ('t', 1, '{id}', {other})")
    };
    attempt(&fixture, &insert("one_v1.one", &format!("'{id}'"))).await.unwrap_err();
    attempt(&fixture, &insert("two_v1.two", "NULL")).await.unwrap();
    attempt(&fixture, &insert("one_v1.one", &format!("'{id}'"))).await.unwrap();
    attempt(&fixture, "DELETE FROM two_v1.two").await.unwrap_err();
}

#[tokio::test]
async fn texts_become_references() {
    let (fixture, base) = with_texts(&["a", "", "b", "", "a"]).await;
    let target = Arc::new(catalog(2, &refers("inverse: \"books\"")));
    assert!(fixture.prepare(Some(base.clone()), target.clone()).await.unwrap() > 0);
    assert_eq!(shelf_column(&fixture).await, (false, false));
    assert_eq!(count(&fixture, "SELECT 1 FROM test_v1.book WHERE shelf IS NULL").await, 2);
    // A process of the revision before still writes the empty text, and its own storage lacks nothing.
    attempt(&fixture, &book(6, "")).await.unwrap();
    attempt(&fixture, "UPDATE test_v1.book SET shelf = '' WHERE shelf = 'b'").await.unwrap();
    assert_eq!(count(&fixture, "SELECT 1 FROM test_v1.book WHERE shelf IS NULL").await, 4);
    assert_eq!(fixture.prepare(None, base).await.unwrap(), 0);
    attempt(&fixture, &book(7, "missing")).await.unwrap_err();
    attempt(&fixture, "DELETE FROM test_v1.shelf WHERE id = 'a'").await.unwrap_err();
    assert_eq!(fixture.prepare(None, target).await.unwrap(), 0);
}

#[tokio::test]
async fn records_that_refer_to_nothing_are_named_and_nothing_changes() {
    let mut shelves = vec!["a", "", "gone", "c"];
    shelves.extend(["lost"; 10]);
    let (fixture, base) = with_texts(&shelves).await;
    let target = Arc::new(catalog(2, &refers("")));
    let error = fixture.prepare(Some(base.clone()), target.clone()).await.unwrap_err();
    assert_eq!(error.reason(), Reason::StepFailed);
    let words = error.message();
    for part in [
        "enforce that shelf of test.v1.Book references existing records of test.v1.Shelf: 12 of the records of test.v1.Book",
        "\"00000000-0000-0000-0000-000000000002\" of tenant \"t\" to \"gone\"",
        // The shelf belongs to another tenant.
        "\"00000000-0000-0000-0000-000000000003\" of tenant \"t\" to \"c\"",
        " and others; correct or clear them, and apply again",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert_eq!(words.matches(" of tenant ").count(), 10);
    assert_eq!(shelf_column(&fixture).await, (true, true));
    assert_eq!(count(&fixture, "SELECT 1 FROM test_v1.book WHERE shelf = ''").await, 1);
    assert_eq!(count(&fixture, "SELECT 1 FROM pg_trigger WHERE NOT tgisinternal").await, 0);
    assert_eq!(count(&fixture, "SELECT 1 FROM pg_constraint WHERE conname LIKE 'book_shelf%'").await, 0);
    attempt(&fixture, &book(99, "anything")).await.unwrap();
    attempt(&fixture, "DELETE FROM test_v1.book WHERE shelf NOT IN ('', 'a')").await.unwrap();
    fixture.prepare(Some(base), target).await.unwrap();
}

#[tokio::test]
async fn foreign_key_names_orphans_in_new_column() {
    let (fixture, base) = with_texts(&["", ""]).await;
    attempt(&fixture, "ALTER TABLE test_v1.book ADD COLUMN prequel uuid").await.unwrap();
    let strange = "UPDATE test_v1.book SET prequel = '00000000-0000-0000-0000-0000000000ff'";
    attempt(&fixture, strange).await.unwrap();
    let field = "string prequel = 5 [(groundplan.model.v1.field).references = { model: \"Book\" }]; string title = 3;";
    let target = Arc::new(catalog(2, &library("").replace("string title = 3;", field)));
    let error = fixture.prepare(Some(base.clone()), target.clone()).await.unwrap_err();
    let words = error.message();
    assert!(words.contains("2 of the records of test.v1.Book refer by prequel"), "{words}");
    // The foreign key is gone.
    attempt(&fixture, strange).await.unwrap();
    attempt(&fixture, "UPDATE test_v1.book SET prequel = NULL").await.unwrap();
    fixture.prepare(Some(base), target).await.unwrap();
    attempt(&fixture, strange).await.unwrap_err();
}

#[tokio::test]
async fn restart_continues_after_each_statement() {
    let target = Arc::new(catalog(2, &refers("")));
    for done in 1..=5 {
        let (fixture, base) = with_texts(&["a", "", "b"]).await;
        for statement in reference_step(&base, &target).statements.iter().take(done) {
            attempt(&fixture, &statement.sql).await.unwrap();
        }
        fixture.prepare(Some(base), target.clone()).await.unwrap();
        assert_eq!(count(&fixture, "SELECT 1 FROM test_v1.book WHERE shelf IS NULL").await, 1, "{done} statements");
    }
}

#[tokio::test]
async fn table_of_previous_revision_is_completed_without_base() {
    let (fixture, _) = with_texts(&["a", ""]).await;
    let target = Arc::new(catalog(2, &refers("")));
    fixture.prepare(None, target.clone()).await.unwrap();
    assert_eq!(shelf_column(&fixture).await, (false, false));
    // Dropped constraints are restored.
    let name = &target.model("test.v1.Book").unwrap().references[0].constraint;
    attempt(&fixture, &format!("ALTER TABLE test_v1.book DROP CONSTRAINT {name}")).await.unwrap();
    assert!(fixture.prepare(None, target).await.unwrap() > 0);
    attempt(&fixture, &book(9, "missing")).await.unwrap_err();
}

#[tokio::test]
async fn failed_apply_restores_texts() {
    let (fixture, base) = with_texts(&["a", "", "b"]).await;
    attempt(&fixture, "UPDATE test_v1.book SET title = 'no shelf' WHERE shelf = 'b'").await.unwrap();
    // The shelves become references, then the titles fail.
    let title = "string title = 3 [(groundplan.model.v1.field).references = { model: \"Shelf\" }];";
    let target = Arc::new(catalog(2, &refers("").replace("string title = 3;", title)));
    let error = fixture.prepare(Some(base.clone()), target).await.unwrap_err();
    assert!(error.message().contains("enforce that title of test.v1.Book"), "{}", error.message());
    assert_eq!(shelf_column(&fixture).await, (true, true));
    assert_eq!(count(&fixture, "SELECT 1 FROM test_v1.book WHERE shelf = ''").await, 1);
    assert_eq!(count(&fixture, "SELECT 1 FROM pg_constraint WHERE conname LIKE 'book_shelf%'").await, 0);
    assert_eq!(count(&fixture, "SELECT 1 FROM pg_trigger WHERE NOT tgisinternal").await, 0);
    assert_eq!(count(&fixture, "SELECT 1 FROM pg_proc WHERE pronamespace = 'test_v1'::regnamespace").await, 0);
    assert_eq!(fixture.prepare(None, base).await.unwrap(), 0);
}

#[tokio::test]
async fn next_failed_apply_restores_changes_of_killed_apply() {
    let target = Arc::new(catalog(2, &refers("")));
    // The next apply fails because of the titles.
    let title = "string title = 3 [(groundplan.model.v1.field).references = { model: \"Shelf\" }];";
    let worse = Arc::new(catalog(2, &refers("").replace("string title = 3;", title)));
    for done in [3, 4, 5] {
        let (fixture, base) = with_texts(&["a", "", "b"]).await;
        attempt(&fixture, "UPDATE test_v1.book SET title = 'no shelf' WHERE shelf = 'b'").await.unwrap();
        for statement in reference_step(&base, &target).statements.iter().take(done) {
            attempt(&fixture, &statement.sql).await.unwrap();
        }
        assert_eq!(shelf_column(&fixture).await, (false, false), "{done}");
        let error = fixture.prepare(Some(base.clone()), worse.clone()).await.unwrap_err();
        assert!(error.message().contains("enforce that title of test.v1.Book"), "{}", error.message());
        assert_eq!(shelf_column(&fixture).await, (true, true), "{done}");
        assert_eq!(count(&fixture, "SELECT 1 FROM test_v1.book WHERE shelf = ''").await, 1);
        assert_eq!(fixture.prepare(None, base.clone()).await.unwrap(), 0);
        attempt(&fixture, "UPDATE test_v1.book SET title = ''").await.unwrap();
        fixture.prepare(Some(base), target.clone()).await.unwrap();
    }
}

#[tokio::test]
async fn repair_restores_not_null_of_ordinary_texts() {
    let (fixture, base) = with_texts(&["a", ""]).await;
    // The state after an apply that was killed during its undo.
    let half = "ALTER TABLE test_v1.book ALTER COLUMN shelf DROP NOT NULL; UPDATE test_v1.book SET shelf = NULL WHERE shelf = ''";
    attempt(&fixture, half).await.unwrap();
    let progress = || Box::new(|_: usize, _: &str| {});
    crate::repair(fixture.database.clone(), Some(base.clone()), base.clone(), progress()).await.unwrap();
    assert_eq!(shelf_column(&fixture).await, (true, true));
    assert_eq!(count(&fixture, "SELECT 1 FROM test_v1.book WHERE shelf = ''").await, 1);
    // Nothing is restored where an apply continues: processes of both revisions can use the column.
    let target = Arc::new(catalog(2, &refers("")));
    fixture.prepare(Some(base.clone()), target).await.unwrap();
    crate::repair(fixture.database.clone(), None, base, progress()).await.unwrap();
    assert_eq!(shelf_column(&fixture).await, (false, false));
}

#[tokio::test]
async fn large_table_is_rewritten_in_batches() {
    let (fixture, base) = with_texts(&[]).await;
    // About 1,500 pages, most of them without a shelf.
    let many = "INSERT INTO test_v1.book (_tenant, _version, id, title, shelf) SELECT 't', 1, gen_random_uuid(), \
                repeat('x', 900), CASE WHEN n % 100 = 0 THEN 'a' ELSE '' END FROM generate_series(1, 12000) n";
    attempt(&fixture, many).await.unwrap();
    fixture.prepare(Some(base), Arc::new(catalog(2, &refers("")))).await.unwrap();
    let counts = fixture.query("SELECT count(*) FILTER (WHERE shelf IS NULL), count(shelf) FROM test_v1.book").await;
    assert_eq!((counts[0].i64(0).unwrap(), counts[0].i64(1).unwrap()), (Some(11_880), Some(120)));
}
