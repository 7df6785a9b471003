//! What is drawn from the sequence of positions, read while PostgreSQL writes it.
//!
//! Every 32nd `nextval` writes to the WAL, and meanwhile the sequence's relation holds a value that is up to 32 ahead. A query
//! of the relation finds its row under a lock, and reads the row's values without one: what it reads may be ahead. The moment is
//! built here, without chance. The WAL's buffers are few, and a session that commits holds the lock for writing them for 100 ms, so a
//! session that draws and draws comes to stand in the middle of such a write. The query of the relation waits between the row and
//! its values until then.

use crate::support::{PATIENCE, database, event, number, run, until};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use groundplan_chassis::database::Database;
use groundplan_eventlog::{Cursor, Log, Settings, Tail, append};
use groundplan_testkit::{PrivateServer, TestDatabase};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How often the moment is built at least, and at most: a machine that is busy may let it pass.
const ROUNDS: (usize, usize) = (3, 30);

/// The newest position as a query of the relation reads it, which waits for the gate between the row and its values.
const UNLOCKED: &str = "SELECT last_value FROM events_position WHERE pg_advisory_lock_shared(7) IS NOT NULL";

/// A server on which committing takes 100 ms, with the lock for writing the WAL held.
async fn slow_to_commit() -> (PrivateServer, Database) {
    let mut server = PrivateServer::new().await;
    let mut connection = database(&server.url()).await.dedicated().await.unwrap();
    for setting in [
        "fsync = on",
        "synchronous_commit = on",
        "wal_buffers = 4",
        "wal_writer_delay = '10s'",
        "autovacuum = off",
        "commit_siblings = 0",
        "commit_delay = 100000",
    ] {
        run(&mut connection, &format!("ALTER SYSTEM SET {setting}")).await;
    }
    drop(connection);
    server.stop().await;
    server.start().await;
    let database = database(&server.url()).await;
    drop(Log::open(database.clone(), Settings::default()).await.unwrap());
    (server, database)
}

/// Commits again and again.
fn commit(mut connection: AsyncPgConnection) -> JoinHandle<()> {
    tokio::spawn(async move {
        run(&mut connection, "CREATE TABLE IF NOT EXISTS commits (n int)").await;
        loop {
            run(&mut connection, "INSERT INTO commits VALUES (1)").await;
        }
    })
}

/// Draws again and again, as an append does: with the lock on `events` held.
async fn draw(database: &Database) -> (i64, JoinHandle<()>) {
    let mut connection = database.dedicated().await.unwrap();
    let pid = number(&mut connection, "SELECT pg_backend_pid()::bigint").await;
    let drawing = tokio::spawn(async move {
        run(&mut connection, "BEGIN; LOCK TABLE events IN ROW EXCLUSIVE MODE").await;
        let sql = "DO $$ BEGIN LOOP PERFORM nextval('events_position'); END LOOP; END $$";
        assert!(connection.batch_execute(sql).await.is_err(), "it draws until it is cancelled");
        run(&mut connection, "ROLLBACK").await;
    });
    (pid, drawing)
}

/// Waits until a session waits for something.
async fn until_it_waits(connection: &mut AsyncPgConnection, pid: i64, event: &str) {
    let end = Instant::now() + PATIENCE;
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event = '{event}'");
    while number(connection, &sql).await == 0 {
        assert!(Instant::now() < end, "the session never waits for {event}");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Reads the relation without its lock, and says what was read, once the gate opens.
async fn read_unlocked(database: &Database) -> (i64, JoinHandle<i64>) {
    let mut connection = database.dedicated().await.unwrap();
    let pid = number(&mut connection, "SELECT pg_backend_pid()::bigint").await;
    (pid, tokio::spawn(async move { number(&mut connection, UNLOCKED).await }))
}

#[tokio::test]
async fn a_tail_never_takes_a_value_that_is_ahead_of_what_was_drawn() {
    let (_server, database) = slow_to_commit().await;
    let committing = commit(database.dedicated().await.unwrap());
    let mut reader = database.dedicated().await.unwrap();
    let mut gate = database.dedicated().await.unwrap();
    let mut slow = database.dedicated().await.unwrap();
    let mut quick = database.dedicated().await.unwrap();
    let newest = "SELECT coalesce(pg_sequence_last_value('events_position'), 0)";
    let mut times_ahead = 0;
    for round in 0..ROUNDS.1 {
        if round >= ROUNDS.0 && times_ahead > 0 {
            break;
        }
        let mut tail = Tail::new(Cursor::after(number(&mut reader, newest).await));
        // Once before: the first reader of a page writes to the WAL itself, and would have to wait.
        tail.skip_to_end(&mut reader, i64::MAX).await.unwrap();
        run(&mut gate, "SELECT pg_advisory_lock(7)").await;
        let (unlocked_pid, unlocked) = read_unlocked(&database).await;
        until_it_waits(&mut reader, unlocked_pid, "advisory").await;
        let (pid, drawing) = draw(&database).await;
        until_it_waits(&mut reader, pid, "WALWrite").await;
        run(&mut gate, "SELECT pg_advisory_unlock(7)").await;
        let unlocked = unlocked.await.unwrap();
        number(&mut reader, &format!("SELECT pg_cancel_backend({pid})::int::bigint")).await;
        tail.skip_to_end(&mut reader, i64::MAX).await.unwrap();
        drawing.await.unwrap();
        times_ahead += usize::from(unlocked > number(&mut reader, newest).await);

        // One appends and stays open, and one appends after it.
        run(&mut slow, "BEGIN").await;
        append(&mut slow, &[event("slow")]).await.unwrap();
        append(&mut quick, &[event("quick")]).await.unwrap();
        for _ in 0..3 {
            let step = tail.step(&mut reader).await.unwrap();
            assert!(step.is_blocked && step.events.is_empty(), "round {round}: {step:?} passes one that is open");
        }
        run(&mut slow, "COMMIT").await;
        let mut given = Vec::new();
        let end = Instant::now() + PATIENCE;
        while given.len() < 2 && Instant::now() < end {
            given.extend(tail.step(&mut reader).await.unwrap().events);
        }
        let given: Vec<&str> = given.iter().map(|event| event.key.as_str()).collect();
        assert_eq!(given, ["slow", "quick"], "round {round}");
    }
    assert!(times_ahead > 0, "the relation was never ahead: the moment was not built");
    committing.abort();
}

/// Ends a session, and says how often the sequence's relation was scanned by then: a session has reported it when it is gone.
async fn scans_after(observer: &mut AsyncPgConnection, mut session: AsyncPgConnection) -> i64 {
    let pid = number(&mut session, "SELECT pg_backend_pid()::bigint").await;
    drop(session);
    until(observer, &format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"), 0).await;
    number(observer, "SELECT pg_stat_get_numscans('events_position'::regclass)").await
}

/// Whatever the moment, a tail does not read the relation: PostgreSQL counts who does.
#[tokio::test]
async fn a_tail_reads_the_sequence_by_the_function_that_takes_its_lock() {
    let test = TestDatabase::new().await;
    let database = database(&test.url()).await;
    drop(Log::open(database.clone(), Settings::default()).await.unwrap());
    let mut writer = database.dedicated().await.unwrap();
    append(&mut writer, &[event("one")]).await.unwrap();
    let mut reader = database.dedicated().await.unwrap();
    let mut tail = Tail::new(Cursor::START);
    assert!(tail.skip_to_end(&mut reader, 1).await.unwrap(), "it has looked");
    assert_eq!(scans_after(&mut writer, reader).await, 0, "the tail has read the relation");
    let mut control = database.dedicated().await.unwrap();
    number(&mut control, "SELECT last_value FROM events_position").await;
    assert_eq!(scans_after(&mut writer, control).await, 1, "a query of the relation is counted");
}
