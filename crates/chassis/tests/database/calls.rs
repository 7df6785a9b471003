//! Calls that are dropped, and the pool.

use crate::{MIGRATIONS, database, one, wait_for_count};
use diesel_async::AsyncConnection as _;
use groundplan_chassis::database::{Bind, Columns as _, Sql, execute, rows};
use groundplan_chassis::settings::{DatabaseSettings, defaults};
use groundplan_error::Reason;
use groundplan_testkit::TestDatabase;
use std::time::Duration;

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
