//! A database with the table of prepared revisions, and the live revision.

use groundplan_chassis::database::{Database, PgRow, Sql, rows};
use groundplan_chassis::settings::{DatabaseSettings, defaults};
use groundplan_error::Error;
use groundplan_model::catalog::Catalog;
use groundplan_model::{Input, SourceFile, StorageNames};
use groundplan_testkit::TestDatabase;
use std::sync::{Arc, Mutex};

/// The PostgreSQL schema of the table of prepared revisions.
const SCHEMA: &str = "groundplan_records";

/// The migration of the embedding service.
const PREPARED: &str = include_str!("../../../records/migrations/2026-11-23-000000_prepared/up.sql");

/// A database and its live revision.
pub(super) struct Fixture {
    pub(super) database: Database,
    server: TestDatabase,
    live: Mutex<Option<Arc<Catalog>>>,
}

impl Fixture {
    /// Creates a database without models.
    pub(super) async fn empty() -> Self {
        let server = TestDatabase::new().await;
        let database = connect(&server).await;
        let fixture = Self { database, server, live: Mutex::new(None) };
        for statement in PREPARED.split_terminator(";\n") {
            fixture.query(statement).await;
        }
        fixture
    }

    /// Prepares the storage of a revision and makes the revision live.
    pub(super) async fn apply(&self, revision: i64, source: &str) -> Result<(), Error> {
        let target = Arc::new(catalog(revision, source));
        let base = self.live.lock().unwrap().clone();
        self.prepare(base, target.clone()).await?;
        *self.live.lock().unwrap() = Some(target);
        Ok(())
    }

    pub(super) async fn prepare(&self, base: Option<Arc<Catalog>>, target: Arc<Catalog>) -> Result<usize, Error> {
        crate::prepare(self.database.clone(), base, target, Box::new(|_, _| {})).await
    }

    /// Returns the live revision.
    pub(super) fn live(&self) -> Arc<Catalog> {
        self.live.lock().unwrap().clone().unwrap()
    }

    /// Connects to the same PostgreSQL like another process.
    pub(super) async fn another_database(&self) -> Database {
        connect(&self.server).await
    }

    /// Inserts a record of `Thing`. `columns` and `values` are lists with commas.
    pub(super) async fn insert(&self, columns: &str, values: &str) {
        let sql = format!(
            "INSERT INTO test_v1.thing (_tenant, _version, id, {columns}) VALUES ('t', 1, gen_random_uuid(), {values})"
        );
        self.query(&sql).await;
    }

    /// Runs a query like a SQL user.
    pub(super) async fn query(&self, sql: &str) -> Vec<PgRow> {
        let sql = Sql::new(sql);
        let mut lease = self.database.lease().await.unwrap();
        lease.run(async |conn| rows(conn, &sql, &[]).await).await.unwrap()
    }
}

async fn connect(server: &TestDatabase) -> Database {
    Database::connect(&server.url(), SCHEMA, &defaults::<DatabaseSettings>()).await.unwrap()
}

/// Compiles a revision of one file.
pub(super) fn catalog(revision: i64, source: &str) -> Catalog {
    let file = SourceFile { path: "test/v1/models.proto".to_owned(), content: source.to_owned() };
    let compiled = groundplan_model::compile(Input::Files(vec![file]), &StorageNames::default());
    let compiled = compiled.unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"));
    groundplan_model::load(revision, compiled.catalog.descriptor_set, &compiled.storage_names).unwrap()
}

/// Returns a file with a model `Thing` of these fields.
pub(super) fn thing(fields: &str) -> String {
    format!(
        "syntax = \"proto3\";\npackage test.v1;\nimport \"groundplan/model/v1/model.proto\";\n\
         message Thing {{\n option (groundplan.model.v1.model) = {{}};\n string id = 1;\n{fields}\n}}\n"
    )
}
