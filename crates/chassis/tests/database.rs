//! Tests of the database module with a real PostgreSQL.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail by panicking, too")]

#[path = "database/calls.rs"]
mod calls;
#[path = "database/values.rs"]
mod values;

use diesel_async::SimpleAsyncConnection as _;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use groundplan_chassis::database::{
    Bind, Columns as _, Database, MigrationMode, PgRow, Sql, database_error, execute, rows,
};
use groundplan_chassis::settings::{DatabaseSettings, Secret, defaults};
use groundplan_error::Reason;
use groundplan_testkit::TestDatabase;
use std::time::Duration;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("tests/migrations");

async fn database(test: &TestDatabase, settings: &DatabaseSettings) -> Database {
    Database::connect(&test.url(), "groundplan_test", settings).await.unwrap()
}

async fn one(database: &Database, sql: &str, binds: &[Bind]) -> PgRow {
    let sql = Sql::new(sql);
    let mut lease = database.lease().await.unwrap();
    lease.run(async |connection| rows(connection, &sql, binds).await).await.unwrap().remove(0)
}

/// Waits until `sql` counts `expected`; fails on a timeout.
async fn wait_for_count(database: &Database, sql: &str, expected: i64) {
    let waiting = async {
        while one(database, sql, &[]).await.i64(0).unwrap() != Some(expected) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap_or_else(|_| panic!("{sql} never was {expected}"));
}

#[tokio::test]
async fn sessions_are_configured() {
    let test = TestDatabase::new().await;
    let database = database(&test, &defaults()).await;
    let row = one(
        &database,
        "SELECT current_schema(), current_setting('TimeZone'), current_setting('application_name'),
                current_setting('statement_timeout')",
        &[],
    )
    .await;
    let texts: Vec<_> = (0..4).map(|column| row.text(column).unwrap().unwrap()).collect();
    assert_eq!(texts, ["groundplan_test", "UTC", "groundplan-groundplan_test", "1min"]);
}

#[tokio::test]
async fn migrations_run_once_for_several_processes() {
    let test = TestDatabase::new().await;
    let (a, b) = (database(&test, &defaults()).await, database(&test, &defaults()).await);
    let (first, second) = tokio::join!(a.migrate(MIGRATIONS), b.migrate(MIGRATIONS));
    first.unwrap();
    second.unwrap();
    let count = "SELECT count(*) FROM groundplan_test.__diesel_schema_migrations";
    assert_eq!(one(&a, count, &[]).await.i64(0).unwrap(), Some(2));
    a.migrate(MIGRATIONS).await.unwrap();
}

#[tokio::test]
async fn missing_migrations_are_named_in_check_only_mode() {
    let test = TestDatabase::new().await;
    let checked = async || {
        let database =
            Database::connect_to(&test.url(), "groundplan_test", &defaults(), MigrationMode::CheckOnly).await?;
        database.migrate(MIGRATIONS).await
    };
    let error = checked().await.unwrap_err().to_string();
    assert!(error.contains("the schema does not exist") && error.contains("groundplan migrate test"), "{error}");
    let database = database(&test, &defaults()).await;
    let error = checked().await.unwrap_err().to_string();
    assert!(error.contains("2026-01-01-000000_things, 2026-01-02-000000_more"), "{error}");
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'groundplan_test'::regnamespace";
    assert_eq!(one(&database, tables, &[]).await.i64(0).unwrap(), Some(0), "nothing was created");
    database.migrate(MIGRATIONS).await.unwrap();
    checked().await.unwrap();
}

#[tokio::test]
async fn a_schema_is_created_once_by_several_processes() {
    let test = TestDatabase::new().await;
    let (url, settings) = (test.url(), defaults());
    let connecting = (0..8).map(|_| Database::connect(&url, "groundplan_many", &settings));
    for connected in futures_util::future::join_all(connecting).await {
        connected.unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn errors_of_statements_have_reasons() {
    let test = TestDatabase::new().await;
    let settings = DatabaseSettings { db_statement_timeout: Duration::from_millis(50), ..defaults() };
    let database = database(&test, &settings).await;
    for (sql, reason) in [
        ("SELECT pg_sleep(60)", Reason::DeadlineExceeded),
        ("SELECT pg_terminate_backend(pg_backend_pid())", Reason::DatabaseUnavailable),
        ("SELECT nothing_like_it", Reason::Internal),
    ] {
        let sql = Sql::new(sql);
        let mut lease = database.lease().await.unwrap();
        let failure = lease.run(async |connection| execute(connection, &sql, &[]).await).await.unwrap_err();
        let error = database_error(failure);
        assert_eq!(error.reason(), reason, "{}", error.log_text());
        assert!(!error.to_string().contains("nothing_like_it"), "{error}");
    }
    let mut lease = database.lease().await.unwrap();
    let failure = lease
        .run(async |connection| {
            let mut transaction = connection.build_transaction().read_only();
            transaction.run(async |connection| connection.batch_execute("CREATE TABLE t ()").await).await
        })
        .await
        .unwrap_err();
    let error = database_error(failure);
    assert_eq!(error.reason(), Reason::DatabaseUnavailable);
    assert!(error.to_string().contains("read-only"), "{error}");
    drop(lease);
    database.ping().await.unwrap();
}

#[tokio::test]
async fn values_do_not_reach_the_log() {
    let test = TestDatabase::new().await;
    let database = database(&test, &defaults()).await;
    let table =
        "CREATE TABLE kept (a text CONSTRAINT kept_key UNIQUE, b int NOT NULL, CONSTRAINT short CHECK (length(a) < 9))";
    let mut lease = database.lease().await.unwrap();
    let run = async |connection: &mut diesel_async::AsyncPgConnection, sql: &str| connection.batch_execute(sql).await;
    lease.run(async |connection| run(connection, table).await).await.unwrap();
    lease.run(async |connection| run(connection, "INSERT INTO kept VALUES ('hunter2', 1)").await).await.unwrap();
    for (sql, name) in [
        ("INSERT INTO kept VALUES ('hunter2', 2)", "kept_key"),
        ("INSERT INTO kept VALUES ('hunter2')", "kept"),
        ("INSERT INTO kept VALUES ('hunter2hunter2', 1)", "short"),
        ("SELECT 'hunter2'::int", "invalid input syntax"),
    ] {
        let failure = lease.run(async |connection| run(connection, sql).await).await.unwrap_err();
        let text = database_error(failure).log_text();
        assert!(text.contains(name) && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn unusable_databases_are_reported_with_the_reason() {
    let test = TestDatabase::new().await;
    let mut connection = test.connect().await;
    connection.batch_execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0").await.unwrap();
    connection.batch_execute("CREATE DATABASE readonly").await.unwrap();
    connection.batch_execute("ALTER DATABASE readonly SET default_transaction_read_only = on").await.unwrap();
    let named = |name: &str| format!("{}/{name}", test.url().expose().rsplit_once('/').unwrap().0);
    for (url, word) in [
        ("postgres://user:hunter2@localhost:1/db".to_owned(), "Connection refused"),
        ("postgres://user:hunter2@host.invalid/db".to_owned(), "host.invalid"),
        ("nonsense hunter2".to_owned(), "DB_URL"),
        ("host=localhost user=user sslmode=on password=a hunter2".to_owned(), "DB_URL"),
        ("postgres://user:hunter2@localhost/db?sslmode=on".to_owned(), "verify-full"),
        ("postgres://user:hunter2@localhost/db?sslmode=verify-full".to_owned(), "sslrootcert"),
        ("postgres:///db?user=user&password=hunter2".to_owned(), "no host"),
        (named("missing"), "does not exist"),
        (named("latin"), "UTF8"),
        (named("readonly"), "read-only"),
    ] {
        let error = Database::connect(&Secret::new(&*url), "groundplan_test", &defaults()).await.unwrap_err();
        assert_eq!(error.reason(), Reason::DatabaseUnavailable);
        assert!(error.to_string().contains(word), "{url}: {error}");
        assert!(
            !error.to_string().contains("hunter2") && !error.log_text().contains("hunter2"),
            "{}",
            error.log_text()
        );
    }
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Secret::new(format!("postgres://user@{}/db", silent.local_addr().unwrap()));
    let settings = DatabaseSettings { db_connect_timeout: Duration::from_millis(100), ..defaults() };
    let error = Database::connect(&url, "groundplan_test", &settings).await.unwrap_err();
    assert!(error.to_string().contains("no response within 100ms"), "{error}");
}
