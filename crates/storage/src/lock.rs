//! One process at a time works on the storage.

use super::Progress;
use super::failure::Trouble;
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

/// How long another process may have the lock without being seen at work.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// Between two attempts, in milliseconds, so that several processes that wait do not ask at the same moments.
const PAUSE: std::ops::Range<u64> = 100..300;

static TRY_LOCK: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT pg_try_advisory_lock(?::bigint)"));
static UNLOCK: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT pg_advisory_unlock(?::bigint)"));

/// Who has the lock. A statement that runs is work, unless it waits for somebody else's lock.
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

/// Waits for the lock of the session, and gives up when who has it does nothing for as long as `patience`.
///
/// It asks again and again: a session that waits *in* the lock would be a running statement, for whose end the other
/// one's `CREATE INDEX CONCURRENTLY` waits.
pub(crate) async fn acquire(
    conn: &mut AsyncPgConnection,
    patience: Duration,
    progress: &Progress,
) -> Result<(), Trouble> {
    let mut idle = Instant::now();
    let mut told = None;
    while !ask(conn, &TRY_LOCK).await? {
        if let Some(holder) = holder(conn).await? {
            let is_another = told.replace(holder.process) != Some(holder.process);
            if is_another {
                progress(0, &holder.waits());
            }
            if is_another || holder.is_working {
                idle = Instant::now();
            }
            if idle.elapsed() >= patience {
                return Err(Trouble::Explained(Error::new(Reason::StepFailed, holder.gives_up(patience))));
            }
        }
        let pause = rand::rng().random_range(PAUSE);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    Ok(())
}

impl Holder {
    fn waits(&self) -> String {
        let Self { process, address, .. } = self;
        format!("waits until another process has done its work on the storage (session {process}, from {address})")
    }

    fn gives_up(&self, patience: Duration) -> String {
        let Self { process, address, .. } = self;
        format!(
            "another process keeps the storage locked (session {process}, from {address}) and has done nothing for \
             {patience:?}; see what it waits for in pg_stat_activity, or end it with \
             `SELECT pg_terminate_backend({process})`, and apply again"
        )
    }
}

/// Finds who has the lock, if that is still so.
async fn holder(conn: &mut AsyncPgConnection) -> QueryResult<Option<Holder>> {
    let found = rows(conn, &HOLDER, &[Bind::i64(KEY)]).await?;
    let Some(row) = found.first() else { return Ok(None) };
    Ok(Some(Holder {
        process: row.i32(0)?.unwrap_or_default(),
        address: row.text(1)?.unwrap_or_default(),
        is_working: row.bool(2)?.unwrap_or_default(),
    }))
}

/// Lets the next process work.
pub(super) async fn release(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    ask(conn, &UNLOCK).await.map(drop)
}

async fn ask(conn: &mut AsyncPgConnection, sql: &Sql) -> QueryResult<bool> {
    let answer = rows(conn, sql, &[Bind::i64(KEY)]).await?;
    Ok(answer.first().map(|row| row.bool(0)).transpose()?.flatten().unwrap_or_default())
}
