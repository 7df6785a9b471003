//! Runs the statements of a step.
//!
//! Statements that change a table wait only a moment for its lock and try again. Statements that build an index concurrently
//! have time.

use super::batches;
use super::error::StorageError;
use super::existing::extension_schema;
use super::transaction::{IS_INVALID, drop_invalid, drop_sql, is_contention, run_together};
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use groundplan_chassis::database::{Bind, Sql, rows};
use groundplan_model::catalog::Table;
use groundplan_model::{DatabaseObject, Ddl, Execution, Step};
use std::sync::LazyLock;

/// Dropping an index waits for the transactions that use it, and the apply waits meanwhile.
const DROP_TIMEOUT: &str = "SET lock_timeout = '60s'";

static CONSTRAINT: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT 1 FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = ?::text AND c.relname = ?::text AND k.conname = ?::text",
    )
});

/// Runs a step in the order of the plan. Statements that can share a transaction do.
pub(super) async fn step(conn: &mut AsyncPgConnection, step: &Step) -> Result<(), StorageError> {
    statements(conn, &step.statements).await.map_err(|(group, error)| StorageError::in_step(step, group, error))
}

/// Runs statements in order. An error names the group of statements that failed.
pub(super) async fn statements<'a>(
    conn: &mut AsyncPgConnection,
    statements: &'a [Ddl],
) -> Result<(), (&'a [Ddl], DieselError)> {
    let share_transaction = |left: &Ddl, right: &Ddl| {
        left.execution == Execution::InSharedTransaction && right.execution == Execution::InSharedTransaction
    };
    for group in statements.chunk_by(share_transaction) {
        let outcome = match group {
            [single] if single.execution == Execution::OutsideTransaction => build_with_retry(conn, single).await,
            [single] if single.execution == Execution::InBatches => batches::run(conn, single).await,
            [single] => run_unless_exists(conn, single).await,
            together => run_together(conn, together).await,
        };
        outcome.map_err(|error| (group, error))?;
    }
    Ok(())
}

/// Runs a statement in a transaction, unless the object that it creates exists.
async fn run_unless_exists(conn: &mut AsyncPgConnection, statement: &Ddl) -> QueryResult<()> {
    let exists = match &statement.creates {
        // The statement contains `IF NOT EXISTS`.
        Some(DatabaseObject::Index(_)) | None => false,
        Some(object) => exists(conn, &statement.table, object).await?,
    };
    if exists { Ok(()) } else { run_together(conn, std::slice::from_ref(statement)).await }
}

/// Reports whether an object of a table exists, valid or not.
pub(super) async fn exists(conn: &mut AsyncPgConnection, table: &Table, object: &DatabaseObject) -> QueryResult<bool> {
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

/// Runs a statement that cannot be in a transaction, and repeats it once after a lock conflict.
async fn build_with_retry(conn: &mut AsyncPgConnection, statement: &Ddl) -> QueryResult<()> {
    match build(conn, statement).await {
        Err(error) if is_contention(&error) => build(conn, statement).await,
        outcome => outcome,
    }
}

/// Builds an index. Drops an invalid one of an earlier attempt before, and that of this attempt after an error.
async fn build(conn: &mut AsyncPgConnection, statement: &Ddl) -> QueryResult<()> {
    drop_invalid(conn, statement).await?;
    let outcome = conn.batch_execute(&statement.sql).await;
    if outcome.is_err() {
        // The error of the build explains more than that of the drop.
        let _ = drop_invalid(conn, statement).await;
    }
    outcome
}

/// Drops the index of a schema and a name, if it exists. Changes the lock timeout of the session, so call it last.
pub(super) async fn drop_index(conn: &mut AsyncPgConnection, (schema, index): &(String, String)) -> QueryResult<()> {
    conn.batch_execute(DROP_TIMEOUT).await?;
    conn.batch_execute(&drop_sql(schema, index)).await
}
