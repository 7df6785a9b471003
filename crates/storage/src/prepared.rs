//! The table of the revisions whose storage is complete. The migrations of the embedding service create it.

use diesel::dsl::exists;
use diesel::{ExpressionMethods, QueryDsl, QueryResult, select};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

diesel::table! {
    /// Revisions whose tables, columns and indexes are complete.
    prepared (revision) {
        revision -> Int8,
        digest -> Bytea,
    }
}

/// Reports whether the storage of this revision was completed.
pub(super) async fn is_prepared(conn: &mut AsyncPgConnection, revision: i64, digest: &[u8]) -> QueryResult<bool> {
    let matching = prepared::table.filter(prepared::revision.eq(revision)).filter(prepared::digest.eq(digest));
    select(exists(matching)).get_result(conn).await
}

/// Records that the storage of this revision is complete.
pub(super) async fn record_prepared(conn: &mut AsyncPgConnection, revision: i64, digest: &[u8]) -> QueryResult<usize> {
    diesel::insert_into(prepared::table)
        .values((prepared::revision.eq(revision), prepared::digest.eq(digest)))
        .on_conflict(prepared::revision)
        .do_update()
        .set(prepared::digest.eq(digest))
        .execute(conn)
        .await
}
