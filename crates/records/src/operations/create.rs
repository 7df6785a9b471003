//! Create: a new record.

use super::conflict::{ATTEMPTS, is_deadlock, pause};
use super::reference::{self, Failure};
use super::{apart, deleted, validate};
use crate::call::Call;
use crate::clock::now;
use crate::id::Id;
use crate::{bind, references};
use groundplan_chassis::database::Bind;
use groundplan_codec::{LAST_TIME, Record, Stored, Value};
use groundplan_error::Error;
use groundplan_model::catalog::Expiry;

/// Stores a new record, by one statement.
pub(super) async fn create(call: &Call<'_>, record: Record) -> Result<Stored, Error> {
    let table = &call.table;
    let model = &table.model;
    let id = Id::for_create(model, record.get(model.roles.id))?;
    let now = now()?;
    let record = apart::completed(call, record, &id, now).await?;
    let mut binds = vec![Bind::text(&call.principal.tenant), Bind::i64(now)];
    for column in &table.columns {
        binds.push(bind::bind(model, column, &record)?);
    }
    binds.extend(call.author(now).created(model, &record, now).into_binds());
    match insert(call, &record, &binds).await? {
        0 => Err(deleted::exists(call, &id).await),
        _ => Ok(call.show(record, now)),
    }
}

/// Where a new record comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Whoever creates it. What only the server sets is not taken.
    Caller,
    /// An import, which restores: only the etag is not taken.
    Import,
}

/// A new record as it is to be stored: checked, and with what the server sets.
pub(crate) fn complete(
    call: &Call<'_>,
    mut record: Record,
    id: &Id,
    origin: Origin,
    now: i64,
) -> Result<Record, Error> {
    let table = &call.table;
    let model = &table.model;
    match origin {
        Origin::Caller => table.behaviors.clear_output_only(model, &mut record),
        Origin::Import => {
            model.roles.etag.and_then(|etag| record.take(etag));
        }
    }
    record.set(model.roles.id, Some(id.to_value()));
    for time in [model.roles.created_at, model.roles.updated_at].into_iter().flatten() {
        if record.get(time).is_none() {
            record.set(time, Some(Value::Timestamp(now)));
        }
    }
    table.formulas.fill_in(model, &mut record, now, &call.budget)?;
    if let (Some(Expiry { ttl: Some(ttl) }), Some(field)) = (model.expiry, model.roles.expires_at)
        && record.get(field).is_none()
    {
        record.set(field, Some(Value::Timestamp(now.saturating_add(ttl).min(LAST_TIME))));
    }
    references::make_canonical(model, &mut record);
    table.formulas.compute(model, &mut record, now, &call.budget)?;
    validate::validate(call, &record)?;
    Ok(record)
}

/// Writes the row, unless its id is taken. It waits for those who delete what it refers to, and they may wait for it.
async fn insert(call: &Call<'_>, record: &Record, binds: &[Bind]) -> Result<usize, Error> {
    let sql = &call.table.statements.insert;
    let mut attempt = 1;
    loop {
        match call.write(sql, binds).await? {
            Ok(stored) => return Ok(stored),
            Err(error) if is_deadlock(&error) && attempt < ATTEMPTS => {}
            Err(error) => match reference::of_write(call, record, error).await {
                Failure::Overtaken(_) if attempt < ATTEMPTS => {}
                Failure::Overtaken(error) | Failure::Refused(error) => return Err(error),
            },
        }
        pause(attempt).await;
        attempt += 1;
    }
}
