//! Get: one record by its id.

use super::{Call, Id};
use crate::{bind, row};
use groundplan_chassis::database::{Bind, refusal, rows};
use groundplan_codec::{Record, Stored};
use groundplan_error::Error;

/// Reads a record.
pub(crate) async fn get(call: &Call<'_>, id: &str) -> Result<Stored, Error> {
    let id = Id::parse(&call.table.model, id)?;
    let (record, version) = read(call, &id).await?;
    Ok(call.show(record, version))
}

/// Reads a whole record with its version.
pub(super) async fn read(call: &Call<'_>, id: &Id) -> Result<(Record, i64), Error> {
    let table = &call.table;
    let binds = [Bind::text(&call.principal.tenant), bind::bind_id(id)];
    let mut lease = call.records.database().lease().await?;
    let found = lease.run(async |conn| rows(conn, &table.statements.get, &binds).await).await.map_err(refusal)?;
    let row = found.first().ok_or_else(|| call.not_found(id))?;
    Ok((row::record(&table.model, &table.columns, row, 1)?, row::version(row)?))
}
