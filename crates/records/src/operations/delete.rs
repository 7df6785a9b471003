//! Delete: a record goes, for good.

use super::{Call, Id, etag, refusal};
use crate::{bind, row};
use groundplan_chassis::database::{Bind, execute, rows};
use groundplan_error::Error;

/// Deletes a record, provided that its etag is `etag`, if that is given.
pub(crate) async fn delete(call: &Call<'_>, id: &str, etag: Option<&str>) -> Result<(), Error> {
    let table = &call.table;
    let id = Id::parse(&table.model, id)?;
    let wanted = etag::wanted(etag, &table.model, None)?;
    let key = [Bind::text(&call.principal.tenant), bind::bind_id(&id)];
    let mut lease = call.records.database().lease().await?;
    let outcome = lease.run(async |conn| {
        let Some(version) = wanted else {
            return Ok((execute(conn, &table.statements.delete, &key).await?, None));
        };
        let [tenant, id] = key.clone();
        let deleted = execute(conn, &table.statements.delete_version, &[tenant, id, Bind::i64(version)]).await?;
        let current = if deleted == 0 { rows(conn, &table.statements.version, &key).await?.pop() } else { None };
        Ok((deleted, current))
    });
    let (deleted, current) = outcome.await.map_err(|error| refusal::of_write(&table.model, error))?;
    match (deleted, current) {
        (0, Some(row)) => Err(etag::mismatch(&table.model, &id, row::version(&row)?)),
        (0, None) => Err(call.not_found(&id)),
        _ => Ok(()),
    }
}
