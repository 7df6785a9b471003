//! Get: one record by its id, with its related records.

use super::expand::{self, Paths};
use crate::call::Call;
use groundplan_chassis::database::{Bind, database_error, rows};
use groundplan_codec::mask::ReadMask;
use groundplan_codec::{Record, Stored};
use groundplan_error::Error;
use groundplan_operations::{Included, View};
use groundplan_query::id::Id;
use groundplan_query::{bind, row};

/// Reads a record, with the related records that the view expands.
pub(crate) async fn get(call: &Call<'_>, id: &str, view: &View) -> Result<(Stored, Included), Error> {
    let model = &call.table.model;
    let id = Id::parse(model, id)?;
    let mask = ReadMask::parse(&model.shapes, model.shape, &view.read_mask)?;
    let paths = Paths::parse(&call.served.catalog, model, &view.expand)?;
    let (record, version) = read(call, &id).await?;
    let mut stored = call.show(record, version);
    let included = expand::included(call, &paths, std::slice::from_ref(&stored), &mask).await?;
    mask.apply(&model.shapes, model.shape, &mut stored.record);
    Ok((stored, included))
}

/// Reads a whole record with its version.
pub(super) async fn read(call: &Call<'_>, id: &Id) -> Result<(Record, i64), Error> {
    let table = &call.table;
    let binds = [Bind::text(&call.principal.tenant), bind::bind_id(id)];
    let mut lease = call.records.database().lease().await?;
    let found =
        lease.run(async |conn| rows(conn, &table.statements.get, &binds).await).await.map_err(database_error)?;
    let row = found.first().ok_or_else(|| call.not_found(id))?;
    let record = row::record(&table.model, &table.columns, row, 1)?;
    call.hold(&record)?;
    Ok((record, row::version(row)?))
}
