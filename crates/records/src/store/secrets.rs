//! Random keys that all processes of the installation share.

use crate::tables::secrets;
use diesel::{ExpressionMethods, QueryDsl, QueryResult};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use groundplan_chassis::seal::KEY_BYTES;
use rand::Rng;

/// Returns the key of a name. The first process creates it.
pub(crate) async fn secret_ensure(conn: &mut AsyncPgConnection, name: &str) -> QueryResult<Vec<u8>> {
    let mut value = [0; KEY_BYTES];
    rand::rng().fill_bytes(&mut value);
    diesel::insert_into(secrets::table)
        .values((secrets::name.eq(name), secrets::value.eq(value.as_slice())))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    secrets::table.filter(secrets::name.eq(name)).select(secrets::value).first(conn).await
}
