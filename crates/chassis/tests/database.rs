//! Tests of the database module with a real PostgreSQL.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail by panicking, too")]

use diesel_async::{AsyncConnection as _, SimpleAsyncConnection as _};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use groundplan_chassis::database::{
    Bind, Columns as _, Database, MigrationMode, PgRow, Sql, database_error, decode_array, decode_interval,
    decode_jsonb, decode_numeric_u64, decode_timestamptz, execute, oid, rows,
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
async fn all_types_round_trip() {
    let test = TestDatabase::new().await;
    let database = database(&test, &defaults()).await;
    let row = one(
        &database,
        "SELECT ?::bigint, ?::integer, ?::double precision, ?::boolean, ?::text, ?::bytea, ?::uuid, ?::timestamptz,
                ?::interval, ?::jsonb, ?::numeric, ?::text[], ?::text, ?::bigint[]",
        &[
            Bind::i64(i64::MIN),
            Bind::i32(-7),
            Bind::f64(f64::NEG_INFINITY),
            Bind::bool(true),
            Bind::text("Grüße"),
            Bind::bytes(vec![0, 255]),
            Bind::uuid([9; 16]),
            Bind::timestamptz(1_500_000),
            Bind::interval(-5),
            Bind::jsonb(br#"{"a":1}"#.to_vec()),
            Bind::numeric(u64::MAX),
            Bind::array(oid::TEXT, &[Bind::text("a"), Bind::Null, Bind::text("")]),
            Bind::Null,
            Bind::array(oid::INT8, &[]),
        ],
    )
    .await;
    assert_eq!(row.i64(0).unwrap(), Some(i64::MIN));
    assert_eq!(row.i32(1).unwrap(), Some(-7));
    assert_eq!(row.array(2).unwrap().map(f64::from_be_bytes), Some(f64::NEG_INFINITY));
    assert_eq!(row.bool(3).unwrap(), Some(true));
    assert_eq!(row.text(4).unwrap().as_deref(), Some("Grüße"));
    assert_eq!(row.bytes(5, |bytes| bytes.map(<[u8]>::to_vec)).unwrap(), Some(vec![0, 255]));
    assert_eq!(row.array(6).unwrap(), Some([9; 16]));
    assert_eq!(row.bytes(7, |bytes| bytes.and_then(decode_timestamptz)).unwrap(), Some(1_500_000));
    assert_eq!(row.bytes(8, |bytes| bytes.and_then(decode_interval)).unwrap(), Some(-5));
    let json = row.bytes(9, |bytes| bytes.and_then(decode_jsonb).map(<[u8]>::to_vec)).unwrap();
    assert_eq!(json, Some(br#"{"a": 1}"#.to_vec()));
    assert_eq!(row.bytes(10, |bytes| bytes.and_then(decode_numeric_u64)).unwrap(), Some(u64::MAX));
    let texts = row.bytes(11, |bytes| {
        let elements = decode_array(bytes.unwrap()).unwrap();
        elements.map(|element| element.map(<[u8]>::to_vec)).collect::<Vec<_>>()
    });
    assert_eq!(texts.unwrap(), [Some(b"a".to_vec()), None, Some(Vec::new())]);
    assert_eq!(row.text(12).unwrap(), None);
    assert_eq!(row.bytes(13, |bytes| decode_array(bytes.unwrap()).unwrap().count()).unwrap(), 0);
    assert!(row.i64(14).is_err(), "the column does not exist");
    assert!(row.i64(4).is_err(), "a text is not a number");
}

#[tokio::test]
async fn postgres_reads_values_as_intended() {
    let test = TestDatabase::new().await;
    let database = database(&test, &defaults()).await;
    let row = one(
        &database,
        "SELECT ?::timestamptz::text, ?::interval::text, ?::numeric::text, ?::numeric::text, ?::text[]::text, ?::timestamptz::text",
        &[
            Bind::timestamptz(-62_135_596_800_000_000),
            Bind::interval(3_723_000_001),
            Bind::numeric(u64::MAX),
            Bind::numeric(100_000_000),
            Bind::array(oid::TEXT, &[Bind::text("NULL"), Bind::Null]),
            Bind::timestamptz(253_402_300_799_999_999),
        ],
    )
    .await;
    let texts: Vec<_> = (0..6).map(|column| row.text(column).unwrap().unwrap()).collect();
    assert_eq!(
        texts,
        [
            "0001-01-01 00:00:00+00",
            "01:02:03.000001",
            "18446744073709551615",
            "100000000",
            r#"{"NULL",NULL}"#,
            "9999-12-31 23:59:59.999999+00"
        ]
    );
    // Values that SQL users write can be read, too.
    let row =
        one(&database, "SELECT interval '1 month 1 day 1 second', 12345678901234567890::numeric, 1.5::numeric", &[])
            .await;
    let interval = row.bytes(0, |bytes| decode_interval(bytes.unwrap())).unwrap();
    assert_eq!(interval, Some(31 * 86_400_000_000 + 1_000_000));
    assert_eq!(row.bytes(1, |bytes| decode_numeric_u64(bytes.unwrap())).unwrap(), Some(12_345_678_901_234_567_890));
    assert_eq!(row.bytes(2, |bytes| decode_numeric_u64(bytes.unwrap())).unwrap(), None);
}

#[tokio::test]
async fn the_number_of_values_must_match() {
    let test = TestDatabase::new().await;
    let database = database(&test, &defaults()).await;
    let sql = Sql::new("SELECT ?::bigint");
    let mut lease = database.lease().await.unwrap();
    for binds in [vec![], vec![Bind::Null, Bind::Null]] {
        let error = lease.run(async |connection| execute(connection, &sql, &binds).await).await.unwrap_err();
        assert!(error.to_string().contains("takes 1 values"), "{error}");
    }
}

#[tokio::test]
async fn a_statement_is_prepared_once() {
    let test = TestDatabase::new().await;
    let database = database(&test, &DatabaseSettings { db_pool_size: 1, ..defaults() }).await;
    for value in 0..3 {
        one(&database, "SELECT ?::bigint + 1", &[Bind::i64(value)]).await;
    }
    let count = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1::bigint + 1%'";
    assert_eq!(one(&database, count, &[]).await.i64(0).unwrap(), Some(1));
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

const SLEEPING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()";

#[tokio::test]
async fn a_dropped_call_cancels_its_statement_and_keeps_the_connection() {
    let test = TestDatabase::new().await;
    let observer = database(&test, &defaults()).await;
    let database = database(&test, &DatabaseSettings { db_pool_size: 1, ..defaults() }).await;
    let process = one(&database, "SELECT pg_backend_pid()", &[]).await.i32(0).unwrap();
    for _ in 0..3 {
        let sleeper = database.clone();
        // Spawned, because the future must be Send.
        let call = tokio::spawn(async move {
            let sql = Sql::new("SELECT pg_sleep(?)");
            let seconds = Bind::f64(600.0);
            let mut lease = sleeper.lease().await.unwrap();
            lease.run(async |connection| rows(connection, &sql, std::slice::from_ref(&seconds)).await.map(drop)).await
        });
        wait_for_count(&observer, SLEEPING, 1).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        wait_for_count(&observer, SLEEPING, 0).await;
        // The only connection of the pool is the same one, and works.
        assert_eq!(one(&database, "SELECT pg_backend_pid()", &[]).await.i32(0).unwrap(), process);
    }
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back() {
    let test = TestDatabase::new().await;
    let observer = database(&test, &defaults()).await;
    observer.migrate(MIGRATIONS).await.unwrap();
    let database = database(&test, &DatabaseSettings { db_pool_size: 1, ..defaults() }).await;
    let process = one(&database, "SELECT pg_backend_pid()", &[]).await.i32(0).unwrap();
    let writer = database.clone();
    let call = tokio::spawn(async move {
        let mut lease = writer.lease().await.unwrap();
        let work = lease.run(async |connection| {
            connection
                .transaction(async |connection| {
                    execute(connection, &Sql::new("INSERT INTO things (id) VALUES (?)"), &[Bind::i64(1)]).await?;
                    execute(connection, &Sql::new("SELECT pg_sleep(600)"), &[]).await
                })
                .await
        });
        work.await.map(drop)
    });
    wait_for_count(&observer, SLEEPING, 1).await;
    call.abort();
    wait_for_count(&observer, SLEEPING, 0).await;
    assert_eq!(one(&database, "SELECT count(*) FROM things", &[]).await.i64(0).unwrap(), Some(0));
    let row = one(&database, "SELECT pg_backend_pid(), pg_current_xact_id_if_assigned() IS NULL", &[]).await;
    assert_eq!((row.i32(0).unwrap(), row.bool(1).unwrap()), (process, Some(true)));
    // The connection can run the next transaction.
    let mut lease = database.lease().await.unwrap();
    let inserted = lease
        .run(async |connection| {
            connection
                .transaction(async |connection| {
                    execute(connection, &Sql::new("INSERT INTO things (id) VALUES (?)"), &[Bind::i64(1)]).await
                })
                .await
        })
        .await;
    assert_eq!(inserted.unwrap(), 1);
    drop(lease);
    assert_eq!(one(&observer, "SELECT count(*) FROM things", &[]).await.i64(0).unwrap(), Some(1));
}

#[tokio::test]
async fn calls_can_be_dropped_at_any_time() {
    let test = TestDatabase::new().await;
    let database = database(&test, &DatabaseSettings { db_pool_size: 2, ..defaults() }).await;
    let sql = Sql::new("SELECT ?::bigint + (SELECT count(*) FROM generate_series(1, 200))");
    for round in 0..200_i64 {
        let mut lease = database.lease().await.unwrap();
        let binds = [Bind::i64(round)];
        let call = lease.run(async |connection| rows(connection, &sql, &binds).await);
        let limit = Duration::from_micros(u64::try_from(round % 20).unwrap() * 50);
        let _ = tokio::time::timeout(limit, call).await;
        drop(lease);
        assert_eq!(one(&database, "SELECT ?::bigint", &[Bind::i64(round)]).await.i64(0).unwrap(), Some(round));
    }
}

#[tokio::test]
async fn a_busy_pool_rejects_calls() {
    let test = TestDatabase::new().await;
    let settings = DatabaseSettings { db_pool_size: 1, db_pool_timeout: Duration::from_millis(100), ..defaults() };
    let database = database(&test, &settings).await;
    let held = database.lease().await.unwrap();
    let error = database.lease().await.unwrap_err();
    assert_eq!(error.reason(), Reason::DatabaseUnavailable);
    assert!(error.to_string().contains("busy"), "{error}");
    assert!(error.to_envelope().1.to_string().contains("retryDelay"));
    drop(held);
    database.ping().await.unwrap();
}

#[tokio::test]
async fn closed_connections_are_not_leased() {
    let test = TestDatabase::new().await;
    let observer = database(&test, &defaults()).await;
    let database = database(&test, &DatabaseSettings { db_pool_size: 1, ..defaults() }).await;
    let process = one(&database, "SELECT pg_backend_pid()", &[]).await.i32(0).unwrap().unwrap();
    one(&observer, "SELECT pg_terminate_backend(?, 5000)", &[Bind::i32(process)]).await;
    // The connection's task notices when it is polled.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let now = one(&database, "SELECT pg_backend_pid()", &[]).await.i32(0).unwrap().unwrap();
    assert_ne!(now, process);
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
