//! Reads the sequence of positions while PostgreSQL writes it.
//!
//! Every 32nd `nextval` writes to the WAL; meanwhile the sequence's relation holds a value that is up to 32 ahead. A query of
//! the relation finds its row under a lock but reads the row's values without it, so the values can be ahead. The tests
//! create that moment deterministically: the WAL has few buffers, and a committing session holds the lock for writing them for
//! 100 ms, so a session that draws continuously stops in the middle of such a write. The query of the relation waits between
//! the row and its values until then.

use crate::support::{PATIENCE, database, event, number, run, until};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use groundplan_chassis::database::Database;
use groundplan_eventlog::{Cursor, Log, Settings, Tail, append};
use groundplan_testkit::{PrivateServer, TestDatabase};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// The minimum and maximum number of rounds: a busy machine can miss the moment.
const ROUNDS: (usize, usize) = (3, 30);

/// Reads the newest position from the relation, and waits for the gate between the row and its values.
const UNLOCKED: &str = "SELECT last_value FROM events_position WHERE pg_advisory_lock_shared(7) IS NOT NULL";

/// Starts a server on which a commit takes 100 ms and holds the lock for writing the WAL.
async fn server_with_slow_commits() -> (PrivateServer, Database) {
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

/// Commits in a loop.
fn commit_repeatedly(mut connection: AsyncPgConnection) -> JoinHandle<()> {
    tokio::spawn(async move {
        run(&mut connection, "CREATE TABLE IF NOT EXISTS commits (n int)").await;
        loop {
            run(&mut connection, "INSERT INTO commits VALUES (1)").await;
        }
    })
}

/// Draws positions in a loop, holding the lock on `events` as an append does.
async fn draw_repeatedly(database: &Database) -> (i64, JoinHandle<()>) {
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

/// Waits until a session waits for an event.
async fn until_it_waits(connection: &mut AsyncPgConnection, pid: i64, event: &str) {
    let end = Instant::now() + PATIENCE;
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event = '{event}'");
    while number(connection, &sql).await == 0 {
        assert!(Instant::now() < end, "the session never waits for {event}");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Reads the relation without its lock; the task returns the value once the gate opens.
async fn read_unlocked(database: &Database) -> (i64, JoinHandle<i64>) {
    let mut connection = database.dedicated().await.unwrap();
    let pid = number(&mut connection, "SELECT pg_backend_pid()::bigint").await;
    (pid, tokio::spawn(async move { number(&mut connection, UNLOCKED).await }))
}

#[tokio::test]
async fn a_tail_never_uses_a_value_that_was_not_drawn() {
    let (_server, database) = server_with_slow_commits().await;
    let committing = commit_repeatedly(database.dedicated().await.unwrap());
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
        // Read once before, because the first reader of a page writes to the WAL and would wait.
        tail.skip_to_end(&mut reader, i64::MAX).await.unwrap();
        run(&mut gate, "SELECT pg_advisory_lock(7)").await;
        let (unlocked_pid, unlocked) = read_unlocked(&database).await;
        until_it_waits(&mut reader, unlocked_pid, "advisory").await;
        let (pid, drawing) = draw_repeatedly(&database).await;
        until_it_waits(&mut reader, pid, "WALWrite").await;
        run(&mut gate, "SELECT pg_advisory_unlock(7)").await;
        let unlocked = unlocked.await.unwrap();
        number(&mut reader, &format!("SELECT pg_cancel_backend({pid})::int::bigint")).await;
        tail.skip_to_end(&mut reader, i64::MAX).await.unwrap();
        drawing.await.unwrap();
        times_ahead += usize::from(unlocked > number(&mut reader, newest).await);

        // One writer appends and stays open, and another appends after it.
        run(&mut slow, "BEGIN").await;
        append(&mut slow, &[event("slow")]).await.unwrap();
        append(&mut quick, &[event("quick")]).await.unwrap();
        for _ in 0..3 {
            let step = tail.step(&mut reader).await.unwrap();
            assert!(step.is_blocked && step.events.is_empty(), "round {round}: {step:?} passes an open writer");
        }
        run(&mut slow, "COMMIT").await;
        let mut delivered = Vec::new();
        let end = Instant::now() + PATIENCE;
        while delivered.len() < 2 && Instant::now() < end {
            delivered.extend(tail.step(&mut reader).await.unwrap().events);
        }
        let keys: Vec<&str> = delivered.iter().map(|event| event.key.as_str()).collect();
        assert_eq!(keys, ["slow", "quick"], "round {round}");
    }
    assert!(times_ahead > 0, "the relation was never ahead: the test did not create the moment");
    committing.abort();
}

/// Closes a session, and returns how often the sequence's relation was scanned; a session reports its scans when it ends.
async fn scans_after(observer: &mut AsyncPgConnection, mut session: AsyncPgConnection) -> i64 {
    let pid = number(&mut session, "SELECT pg_backend_pid()::bigint").await;
    drop(session);
    until(observer, &format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"), 0).await;
    number(observer, "SELECT pg_stat_get_numscans('events_position'::regclass)").await
}

/// PostgreSQL counts scans of the relation; a tail must not cause any.
#[tokio::test]
async fn a_tail_reads_the_sequence_with_the_locking_function() {
    let test = TestDatabase::new().await;
    let database = database(&test.url()).await;
    drop(Log::open(database.clone(), Settings::default()).await.unwrap());
    let mut writer = database.dedicated().await.unwrap();
    append(&mut writer, &[event("one")]).await.unwrap();
    let mut reader = database.dedicated().await.unwrap();
    let mut tail = Tail::new(Cursor::START);
    assert!(tail.skip_to_end(&mut reader, 1).await.unwrap(), "the tail has read the sequence");
    assert_eq!(scans_after(&mut writer, reader).await, 0, "the tail has read the relation");
    let mut control = database.dedicated().await.unwrap();
    number(&mut control, "SELECT last_value FROM events_position").await;
    assert_eq!(scans_after(&mut writer, control).await, 1, "a query of the relation is counted");
}
