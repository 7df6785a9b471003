//! Runs the statements of a step.
//!
//! What changes a table waits at most a moment for its lock, because everybody else waits behind it, and tries again.
//! What builds an index beside the running calls has time.

use super::batches;
use super::existing::extension_schema;
use super::failure::Trouble;
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use groundplan_chassis::database::{Bind, Columns, Sql, rows};
use groundplan_model::catalog::Table;
use groundplan_model::{DatabaseObject, Ddl, Execution, Step, quote};
use rand::RngExt;
use std::sync::LazyLock;
use std::time::Duration;

/// How often a statement is tried that does not get its locks.
const ATTEMPTS: u32 = 12;

/// The pause before the second attempt; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);

const MAX_PAUSE: Duration = Duration::from_secs(3);

/// For statements that stand in everybody's way while they wait. Others have the session's own, which is long.
const SHORT_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";

/// Dropping waits for the transactions that use the index; the one who applies waits meanwhile.
const DROP_TIMEOUT: &str = "SET lock_timeout = '60s'";

static IS_INVALID: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT NOT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ?::text AND c.relname = ?::text",
    )
});

static CONSTRAINT: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT 1 FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = ?::text AND c.relname = ?::text AND k.conname = ?::text",
    )
});

/// Runs a step: what can be in a transaction is in one, in the order of the plan.
pub(super) async fn step(conn: &mut AsyncPgConnection, step: &Step) -> Result<(), Trouble> {
    statements(conn, &step.statements).await.map_err(|(group, error)| Trouble::in_step(step, group, error))
}

/// Runs statements in their order; says with which of them it failed.
pub(super) async fn statements<'a>(
    conn: &mut AsyncPgConnection,
    statements: &'a [Ddl],
) -> Result<(), (&'a [Ddl], DieselError)> {
    let are_together = |left: &Ddl, right: &Ddl| {
        left.execution == Execution::InSharedTransaction && right.execution == Execution::InSharedTransaction
    };
    for group in statements.chunk_by(are_together) {
        let outcome = match group {
            [alone] if alone.execution == Execution::OutsideTransaction => patiently(conn, alone).await,
            [alone] if alone.execution == Execution::InBatches => batches::run(conn, alone).await,
            [alone] => unless_there(conn, alone).await,
            together => together_in_transaction(conn, together).await,
        };
        outcome.map_err(|error| (group, error))?;
    }
    Ok(())
}

/// Runs a statement in a transaction of its own, unless what it makes is there already.
async fn unless_there(conn: &mut AsyncPgConnection, statement: &Ddl) -> QueryResult<()> {
    let is_there = match &statement.creates {
        // `IF NOT EXISTS` is part of the statement.
        Some(DatabaseObject::Index(_)) | None => false,
        Some(object) => is_there(conn, &statement.table, object).await?,
    };
    if is_there { Ok(()) } else { together_in_transaction(conn, std::slice::from_ref(statement)).await }
}

/// Whether something of a table is there, be it valid or not.
pub(super) async fn is_there(
    conn: &mut AsyncPgConnection,
    table: &Table,
    object: &DatabaseObject,
) -> QueryResult<bool> {
    let Table { schema, name: table } = table;
    Ok(match object {
        DatabaseObject::ForeignKey(name) => {
            let binds = [Bind::text(schema), Bind::text(table), Bind::text(name)];
            !rows(conn, &CONSTRAINT, &binds).await?.is_empty()
        }
        DatabaseObject::Extension(name) => extension_schema(conn, name).await?.is_some(),
        DatabaseObject::Index(name) => {
            !rows(conn, &IS_INVALID, &[Bind::text(schema), Bind::text(name)]).await?.is_empty()
        }
    })
}

/// Runs statements in one transaction, several times if their tables are locked.
pub(super) async fn together_in_transaction(conn: &mut AsyncPgConnection, statements: &[Ddl]) -> QueryResult<()> {
    for statement in statements {
        drop_invalid(conn, statement).await?;
    }
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match attempt(conn, statements).await {
            Err(error) if is_contention(&error) => rest(&mut pause).await,
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

/// Runs a statement that cannot be in a transaction.
async fn patiently(conn: &mut AsyncPgConnection, statement: &Ddl) -> QueryResult<()> {
    match build(conn, statement).await {
        Err(error) if is_contention(&error) => build(conn, statement).await,
        outcome => outcome,
    }
}

/// Builds an index; one that an earlier attempt left unfinished is dropped before, and this one's if it fails.
async fn build(conn: &mut AsyncPgConnection, statement: &Ddl) -> QueryResult<()> {
    drop_invalid(conn, statement).await?;
    let outcome = conn.batch_execute(&statement.sql).await;
    if outcome.is_err() {
        // The failure of the build says more than that of the drop.
        let _ = drop_invalid(conn, statement).await;
    }
    outcome
}

/// Drops the statement's index if it is there but not valid.
async fn drop_invalid(conn: &mut AsyncPgConnection, statement: &Ddl) -> QueryResult<()> {
    let Some(index) = statement.index() else { return Ok(()) };
    let schema = &statement.table.schema;
    let found = rows(conn, &IS_INVALID, &[Bind::text(schema), Bind::text(index)]).await?;
    let is_invalid = found.first().map(|row| row.bool(0)).transpose()?.flatten();
    if is_invalid == Some(true) {
        conn.batch_execute(&drop_sql(schema, index)).await?;
    }
    Ok(())
}

/// Drops the index of a schema and a name, if it is there. The work is over: the session's timeout is another one then.
pub(super) async fn drop_index(conn: &mut AsyncPgConnection, (schema, index): &(String, String)) -> QueryResult<()> {
    conn.batch_execute(DROP_TIMEOUT).await?;
    conn.batch_execute(&drop_sql(schema, index)).await
}

fn drop_sql(schema: &str, index: &str) -> String {
    format!("DROP INDEX CONCURRENTLY IF EXISTS {}.{}", quote(schema), quote(index))
}

/// Whether others held what the statement needs. Diesel keeps no SQLSTATE for it, so PostgreSQL's words decide. The
/// session asks for English; on a server that refuses that and speaks another language, a table that is locked fails the
/// step at the first attempt.
fn is_contention(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(_, facts) => {
            let message = facts.message();
            message.contains("due to lock timeout") || message.starts_with("deadlock detected")
        }
        _ => false,
    }
}

/// Waits before another attempt, twice as long each time.
async fn rest(pause: &mut Duration) {
    let jitter = rand::rng().random_range(0.5..1.5);
    tokio::time::sleep(pause.mul_f64(jitter)).await;
    *pause = (*pause * 2).min(MAX_PAUSE);
}
