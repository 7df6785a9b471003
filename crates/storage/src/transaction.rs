//! Runs statements that wait at most a moment for their locks, because other sessions queue up while they wait.

use diesel::QueryResult;
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use groundplan_chassis::database::{Bind, Columns, Sql, rows};
use groundplan_model::{Ddl, quote};
use rand::RngExt;
use std::sync::LazyLock;
use std::time::Duration;

/// The number of attempts to get the locks of a statement.
const ATTEMPTS: u32 = 12;

/// The pause before the second attempt; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);

const MAX_PAUSE: Duration = Duration::from_secs(3);

/// For statements that block other sessions while they wait. Other statements have the session's timeout, which is long.
const SHORT_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";

pub(super) static IS_INVALID: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT NOT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ?::text AND c.relname = ?::text",
    )
});

/// Runs statements in one transaction, several times if their tables are locked.
pub(super) async fn run_together(conn: &mut AsyncPgConnection, statements: &[Ddl]) -> QueryResult<()> {
    for statement in statements {
        drop_invalid(conn, statement).await?;
    }
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match attempt(conn, statements).await {
            Err(error) if is_contention(&error) => sleep(&mut pause).await,
            outcome => return outcome,
        }
    }
    attempt(conn, statements).await
}

async fn attempt(conn: &mut AsyncPgConnection, statements: &[Ddl]) -> QueryResult<()> {
    conn.transaction(async |conn| {
        conn.batch_execute(SHORT_TIMEOUT).await?;
        for statement in statements {
            conn.batch_execute(&statement.sql).await?;
        }
        Ok(())
    })
    .await
}

/// Drops the statement's index if it exists but is invalid.
pub(super) async fn drop_invalid(conn: &mut AsyncPgConnection, statement: &Ddl) -> QueryResult<()> {
    let Some(index) = statement.index() else { return Ok(()) };
    let schema = &statement.table.schema;
    let rows = rows(conn, &IS_INVALID, &[Bind::text(schema), Bind::text(index)]).await?;
    let is_invalid = rows.first().map(|row| row.bool(0)).transpose()?.flatten();
    if is_invalid == Some(true) {
        conn.batch_execute(&drop_sql(schema, index)).await?;
    }
    Ok(())
}

/// Returns the statement that drops an index, if it exists, without blocking writes.
pub(super) fn drop_sql(schema: &str, index: &str) -> String {
    format!("DROP INDEX CONCURRENTLY IF EXISTS {}.{}", quote(schema), quote(index))
}

/// Reports whether other sessions held the locks that the statement needs. Diesel keeps no SQLSTATE for it, so this checks
/// PostgreSQL's message. The session asks for English messages. On a server that rejects that and uses another language, a
/// locked table fails the step at the first attempt.
pub(super) fn is_contention(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(_, info) => {
            let message = info.message();
            message.contains("due to lock timeout") || message.starts_with("deadlock detected")
        }
        _ => false,
    }
}

/// Waits before another attempt, twice as long each time.
async fn sleep(pause: &mut Duration) {
    let jitter = rand::rng().random_range(0.5..1.5);
    tokio::time::sleep(pause.mul_f64(jitter)).await;
    *pause = (*pause * 2).min(MAX_PAUSE);
}
