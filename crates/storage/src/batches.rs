//! Runs a statement on some pages of a table at a time: a table is never locked, and nothing that is done is lost when it
//! is interrupted.

use super::run::together_in_transaction;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns, Sql, rows};
use groundplan_model::{Ddl, Execution};
use std::sync::LazyLock;

/// As many pages at once: 4 MiB.
const PAGES: i64 = 512;

static SIZE: LazyLock<Sql> =
    LazyLock::new(|| Sql::new("SELECT pg_relation_size(?::text::regclass) / current_setting('block_size')::bigint"));

/// Runs a statement that ends in a condition. Rows that come later are not its business.
pub(super) async fn run(conn: &mut AsyncPgConnection, statement: &Ddl) -> QueryResult<()> {
    let table = statement.table.qualified();
    let size = rows(conn, &SIZE, &[Bind::text(&table)]).await?;
    let pages = size.first().map(|row| row.i64(0)).transpose()?.flatten().unwrap_or_default();
    let mut first = 0;
    while first < pages {
        let next = first.saturating_add(PAGES);
        let sql = format!("{} AND ctid >= '({first},0)'::tid AND ctid < '({next},0)'::tid", statement.sql);
        let batch = Ddl { sql, execution: Execution::InOwnTransaction, ..statement.clone() };
        together_in_transaction(conn, &[batch]).await?;
        first = next;
    }
    Ok(())
}
