//! Runs a statement on some pages of a table at a time: the table is never locked as a whole, and finished batches survive an
//! interruption.

use super::transaction::run_together;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns, Sql, rows};
use groundplan_model::{Ddl, Execution};
use std::sync::LazyLock;

/// The pages of a batch: 4 MiB.
const PAGES: i64 = 512;

static SIZE: LazyLock<Sql> =
    LazyLock::new(|| Sql::new("SELECT pg_relation_size(?::text::regclass) / current_setting('block_size')::bigint"));

/// Runs a statement that ends with a condition on all rows that exist now. It might skip later rows.
pub(super) async fn run(conn: &mut AsyncPgConnection, statement: &Ddl) -> QueryResult<()> {
    let table = statement.table.qualified();
    let size = rows(conn, &SIZE, &[Bind::text(&table)]).await?;
    let pages = size.first().map(|row| row.i64(0)).transpose()?.flatten().unwrap_or_default();
    let mut first = 0;
    while first < pages {
        let next = first.saturating_add(PAGES);
        let sql = format!("{} AND ctid >= '({first},0)'::tid AND ctid < '({next},0)'::tid", statement.sql);
        let batch = Ddl { sql, execution: Execution::InOwnTransaction, ..statement.clone() };
        run_together(conn, &[batch]).await?;
        first = next;
    }
    Ok(())
}
