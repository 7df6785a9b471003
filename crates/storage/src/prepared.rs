//! Which revisions have their storage.

use crate::tables::prepared;
use diesel::dsl::exists;
use diesel::{ExpressionMethods, QueryDsl, QueryResult, select};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Whether the storage of this revision is complete.
pub(crate) async fn prepared_contains(conn: &mut AsyncPgConnection, revision: i64, digest: &[u8]) -> QueryResult<bool> {
    let found = prepared::table.filter(prepared::revision.eq(revision)).filter(prepared::digest.eq(digest));
    select(exists(found)).get_result(conn).await
}

/// Notes that the storage of this revision is complete.
pub(crate) async fn prepared_record(conn: &mut AsyncPgConnection, revision: i64, digest: &[u8]) -> QueryResult<usize> {
    diesel::insert_into(prepared::table)
        .values((prepared::revision.eq(revision), prepared::digest.eq(digest)))
        .on_conflict(prepared::revision)
        .do_update()
        .set(prepared::digest.eq(digest))
        .execute(conn)
        .await
}
