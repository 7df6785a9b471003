//! An update with one statement.

use super::merge::merged;
use crate::call::Call;
use crate::clock::now;
use crate::etag;
use crate::operations::conflict::{ATTEMPTS, PAUSE, is_deadlock, pause};
use crate::operations::deleted::check_living;
use crate::operations::get;
use crate::operations::reference::{self, Failure};
use groundplan_chassis::database::Bind;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Stored};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use groundplan_query::bind;
use groundplan_query::id::Id;

/// Updates a record. Returns an error if an etag is given and is not the record's. Fields that only the server sets keep
/// their values, even if the mask names them.
pub(crate) async fn update(
    call: &Call<'_>,
    id: &str,
    update: Record,
    mask: &UpdateMask,
    etag: &str,
) -> Result<Stored, Error> {
    let model = &call.table.model;
    let id = Id::parse(model, id)?;
    let wanted = etag::wanted(etag, model, Some(&update))?;
    for attempt in 1..=ATTEMPTS {
        let (before, version) = get::read(call, &id).await?;
        if wanted.is_some_and(|wanted| wanted != version) {
            return Err(etag::mismatch(model, &id, version));
        }
        check_living(model, &id, &before)?;
        let now = now()?;
        let Some(after) = merged(call, &before, (&update, mask, &[]), now).await? else {
            return Ok(call.show(before, version));
        };
        if write(call, &id, (&before, &after), version, now).await? {
            return Ok(call.show(after, version + 1));
        }
        if wanted.is_none() && attempt < ATTEMPTS {
            pause(attempt).await;
        }
    }
    Err(busy(model, &id))
}

/// Writes the whole row if it still has this version, and returns whether it did.
async fn write(
    call: &Call<'_>,
    id: &Id,
    (before, record): (&Record, &Record),
    version: i64,
    now: i64,
) -> Result<bool, Error> {
    let table = &call.table;
    let mut binds = vec![Bind::i64(version + 1)];
    for column in table.updatable_columns() {
        binds.push(bind::bind(&table.model, column, record)?);
    }
    binds.extend([Bind::text(&call.principal.tenant), bind::bind_id(id), Bind::i64(version)]);
    binds.extend(call.author(now).updated(&table.model, before, record, version + 1).into_binds());
    match call.write(&table.statements.update, &binds).await? {
        Ok(written) => Ok(written > 0),
        // A concurrent delete of a referenced record won.
        Err(error) if is_deadlock(&error) => Ok(false),
        Err(error) => match reference::of_write(call, record, error).await {
            Failure::Overtaken(_) => Ok(false),
            Failure::Refused(error) => Err(error),
        },
    }
}

/// Returns the error for an update that lost to concurrent writes at each attempt. Its code is ABORTED, as for all writes
/// that lose.
fn busy(model: &Model, id: &Id) -> Error {
    let id = id.to_string();
    let message = format!(
        "{} {id:?} was changed by others at each of {ATTEMPTS} attempts to update it; try again",
        model.full_name
    );
    Error::new(Reason::RecordBusy, message).with_resource(&model.full_name, id).retry_after(PAUSE * ATTEMPTS)
}
