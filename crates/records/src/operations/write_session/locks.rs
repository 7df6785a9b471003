//! Locks on records that others refer to.

use crate::call::Call;
use crate::operations::names;
use crate::table::Table;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql, rows};
use groundplan_query::id::Id;
use groundplan_query::visibility;

/// Returns those ids whose records are visible, and locks these records so that they remain visible.
pub(crate) async fn lock_living(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    target: &Table,
    ids: &[Id],
) -> Result<Vec<Id>, TxError> {
    let model = &target.model;
    let (name, key) = (model.table.qualified(), model.column_name(model.roles.id));
    let sql = Sql::new(&format!(
        "SELECT r.{key} FROM {name} AS r WHERE r._tenant = ? AND r.{key} = ANY(?){} ORDER BY r.{key} FOR KEY SHARE",
        visibility::visible(model, "r")
    ));
    let binds = [Bind::text(&call.principal.tenant), names::bind_ids(model, ids)];
    Ok(names::read_ids(model, &rows(conn, &sql, &binds).await?)?)
}
