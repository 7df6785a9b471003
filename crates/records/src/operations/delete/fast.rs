//! A delete with one statement.

use crate::call::Call;
use crate::clock::now;
use crate::etag;
use crate::operations::conflict::pause;
use crate::operations::{get, refusal};
use groundplan_chassis::database::Bind;
use groundplan_error::Error;
use groundplan_query::bind;
use groundplan_query::id::Id;

/// The most attempts to delete a record without a lock.
const UNLOCKED_ATTEMPTS: u32 = 3;

/// Deletes a record of a model that nothing refers to. Reads the record, compares its etag with `etag` unless that is
/// empty, and deletes it if it has not changed since. Returns false if concurrent changes win at each attempt; the caller
/// must then lock the record.
pub(crate) async fn delete_alone(call: &Call<'_>, id: &str, etag: &str) -> Result<bool, Error> {
    let table = &call.table;
    let id = Id::parse(&table.model, id)?;
    let wanted = etag::wanted(etag, &table.model, None)?;
    for attempt in 1..=UNLOCKED_ATTEMPTS {
        let (before, version) = get::read(call, &id).await?;
        if wanted.is_some_and(|wanted| wanted != version) {
            return Err(etag::mismatch(&table.model, &id, version));
        }
        let event = call.author(now()?).deleted(&table.model, &before, version);
        let mut binds = vec![Bind::text(&call.principal.tenant), bind::bind_id(&id), Bind::i64(version)];
        binds.extend(event.into_binds());
        let deleted = call.write(&table.statements.delete, &binds).await?;
        if deleted.map_err(|error| refusal::of_delete(&table.model, error))? > 0 {
            return Ok(true);
        }
        pause(attempt).await;
    }
    Ok(false)
}
