//! The table `storage_names`.

use crate::tables::storage_names;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// The maximum number of rows per statement: PostgreSQL supports 65,535 parameters, and a row has four.
const BATCH: usize = 10_000;

/// A row.
#[derive(Clone, Debug, HasQuery, Insertable)]
#[diesel(table_name = storage_names)]
pub(crate) struct StorageName {
    pub(crate) message: String,
    pub(crate) number: i32,
    pub(crate) name: String,
    pub(crate) first_revision: i64,
}

/// Lists all names.
pub(crate) async fn list_all(connection: &mut AsyncPgConnection) -> QueryResult<Vec<StorageName>> {
    list_up_to(connection, i64::MAX).await
}

/// Lists the names of a revision and all earlier ones.
pub(crate) async fn list_up_to(connection: &mut AsyncPgConnection, revision: i64) -> QueryResult<Vec<StorageName>> {
    let known = StorageName::query().filter(storage_names::first_revision.le(revision));
    known.order((storage_names::message, storage_names::number)).load(connection).await
}

/// Inserts names. If another apply has inserted names since they were listed, fails on `storage_names_pkey` (same
/// field) or `storage_names_name_key` (same name).
pub(crate) async fn insert_in_transaction(
    connection: &mut AsyncPgConnection,
    names: &[StorageName],
) -> QueryResult<()> {
    for batch in names.chunks(BATCH) {
        diesel::insert_into(storage_names::table).values(batch).execute(connection).await?;
    }
    Ok(())
}
