//! The lock that lets one process at a time work on the storage.

use super::Progress;
use super::error::StorageError;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns, Sql, rows};
use groundplan_error::{Error, Reason};
use rand::RngExt;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::time::Instant;

/// The key of the advisory lock.
const KEY: i64 = i64::from_be_bytes(*b"gp.store");

/// The longest time that another process can hold the lock without working.
pub(super) const MAX_IDLE: Duration = Duration::from_secs(600);

/// The pause between two attempts, in milliseconds; random, so that waiting processes do not ask at the same moment.
const PAUSE: std::ops::Range<u64> = 100..300;

static TRY_LOCK: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT pg_try_advisory_lock(?::bigint)"));
static UNLOCK: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT pg_advisory_unlock(?::bigint)"));

/// The session that holds the lock. It works if it runs a statement that does not wait for a lock.
static HOLDER: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT a.pid, coalesce(host(a.client_addr), 'its own machine'), \
         coalesce(a.state = 'active' AND a.wait_event_type IS DISTINCT FROM 'Lock', false) \
         FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
         AND (l.classid::bigint << 32) + l.objid::bigint = ?::bigint",
    )
});

/// The session of another process.
struct Holder {
    process: i32,
    address: String,
    is_working: bool,
}

/// Waits for the lock.
///
/// This polls: a session that waits *in* the lock would be a running statement, and the holder's
/// `CREATE INDEX CONCURRENTLY` would wait for its end.
///
/// # Errors
/// `STEP_FAILED` if the holder does nothing for `max_idle`.
pub(super) async fn acquire(
    conn: &mut AsyncPgConnection,
    max_idle: Duration,
    progress: &Progress,
) -> Result<(), StorageError> {
    let mut idle_since = Instant::now();
    let mut reported = None;
    while !query(conn, &TRY_LOCK).await? {
        if let Some(holder) = holder(conn).await? {
            let is_another = reported.replace(holder.process) != Some(holder.process);
            if is_another {
                progress(0, &holder.wait_message());
            }
            if is_another || holder.is_working {
                idle_since = Instant::now();
            }
            if idle_since.elapsed() >= max_idle {
                return Err(StorageError::Explained(Error::new(Reason::StepFailed, holder.give_up_message(max_idle))));
            }
        }
        let pause = rand::rng().random_range(PAUSE);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    Ok(())
}

impl Holder {
    fn wait_message(&self) -> String {
        let Self { process, address, .. } = self;
        format!("waiting until another process finishes its work on the storage (session {process}, from {address})")
    }

    fn give_up_message(&self, max_idle: Duration) -> String {
        let Self { process, address, .. } = self;
        format!(
            "another process keeps the storage locked (session {process}, from {address}) and has done nothing for \
             {max_idle:?}; see what it waits for in pg_stat_activity, or end it with \
             `SELECT pg_terminate_backend({process})`, and apply again"
        )
    }
}

/// Returns the holder of the lock, if there is one.
async fn holder(conn: &mut AsyncPgConnection) -> QueryResult<Option<Holder>> {
    let holders = rows(conn, &HOLDER, &[Bind::i64(KEY)]).await?;
    let Some(row) = holders.first() else { return Ok(None) };
    Ok(Some(Holder {
        process: row.i32(0)?.unwrap_or_default(),
        address: row.text(1)?.unwrap_or_default(),
        is_working: row.bool(2)?.unwrap_or_default(),
    }))
}

/// Releases the lock.
pub(super) async fn release(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    query(conn, &UNLOCK).await.map(drop)
}

async fn query(conn: &mut AsyncPgConnection, sql: &Sql) -> QueryResult<bool> {
    let rows = rows(conn, sql, &[Bind::i64(KEY)]).await?;
    Ok(rows.first().map(|row| row.bool(0)).transpose()?.flatten().unwrap_or_default())
}
