//! Get and List: one statement each.

use crate::cached::Cached;
use crate::tables::{Row, TENANT, entity};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use uuid::Uuid;

/// The row of an id.
pub(crate) async fn get(connection: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Row> {
    let query = entity::table.find((TENANT, id)).select(Row::as_select());
    Cached(query).get_result(connection).await
}

/// Rows of a name in the order of their ids, after one of them if given.
pub(crate) async fn list(
    connection: &mut AsyncPgConnection,
    name: &str,
    after: Option<Uuid>,
    rows: i64,
) -> QueryResult<Vec<Row>> {
    let named = entity::table
        .filter(entity::_tenant.eq(TENANT))
        .filter(entity::field1.eq(name))
        .select(Row::as_select())
        .order(entity::id)
        .limit(rows);
    match after {
        None => Cached(named).load(connection).await,
        Some(after) => Cached(named.filter(entity::id.gt(after))).load(connection).await,
    }
}
