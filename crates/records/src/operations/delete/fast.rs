//! A delete by one statement.

use crate::call::Call;
use crate::clock::now;
use crate::etag;
use crate::operations::conflict::pause;
use crate::operations::{get, refusal};
use groundplan_chassis::database::Bind;
use groundplan_error::Error;
use groundplan_query::bind;
use groundplan_query::id::Id;

/// How often a record is deleted without a lock on it before.
const UNLOCKED_ATTEMPTS: u32 = 3;

/// Deletes a record of a model that nothing refers to, provided that its etag is `etag`, if that is given: it is read, and
/// deleted if it is the same still. Says whether it is: who keeps being overtaken has to lock it.
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
