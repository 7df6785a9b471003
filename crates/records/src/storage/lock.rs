//! One process at a time works on the storage.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns, Sql, rows};
use rand::RngExt;
use std::sync::LazyLock;
use std::time::Duration;

/// The key of the advisory lock.
const KEY: i64 = i64::from_be_bytes(*b"gp.store");

/// Between two attempts, in milliseconds, so that several processes that wait do not ask at the same moments.
const PAUSE: std::ops::Range<u64> = 100..300;

static TRY_LOCK: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT pg_try_advisory_lock(?::bigint)"));
static UNLOCK: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT pg_advisory_unlock(?::bigint)"));

/// Waits for the lock of the session.
///
/// It asks again and again: a session that waits *in* the lock would be a running statement, for whose end the other
/// one's `CREATE INDEX CONCURRENTLY` waits.
pub(super) async fn acquire(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    while !ask(conn, &TRY_LOCK).await? {
        let pause = rand::rng().random_range(PAUSE);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    Ok(())
}

/// Lets the next process work.
pub(super) async fn release(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    ask(conn, &UNLOCK).await.map(drop)
}

async fn ask(conn: &mut AsyncPgConnection, sql: &Sql) -> QueryResult<bool> {
    let answer = rows(conn, sql, &[Bind::i64(KEY)]).await?;
    Ok(answer.first().map(|row| row.bool(0)).transpose()?.flatten().unwrap_or_default())
}
