//! Update: some fields of a record, or all.

use super::{Call, Id, etag, get, now, refusal, validate};
use crate::bind;
use groundplan_chassis::database::{Bind, execute};
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Stored, Value};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;

/// How often an update that nobody guarded with an etag starts again when another came first.
const ATTEMPTS: usize = 5;

/// What is to change.
pub(crate) struct Update<'a> {
    pub(crate) id: &'a str,
    pub(crate) update: Record,
    pub(crate) mask: UpdateMask,
    pub(crate) etag: Option<&'a str>,
}

/// Changes a record. What only the server sets stays as it is, whatever the mask names.
pub(crate) async fn update(call: &Call<'_>, what: Update<'_>) -> Result<Stored, Error> {
    let table = &call.table;
    let model = &table.model;
    let id = Id::parse(model, what.id)?;
    let wanted = etag::wanted(what.etag, model, Some(&what.update))?;
    let mut update = what.update;
    table.behaviors.clear_output_only(model, &mut update);

    let mut current = None;
    for _ in 0..ATTEMPTS {
        let (before, version) = get::read(call, &id).await?;
        current = Some(version);
        if wanted.is_some_and(|wanted| wanted != version) {
            return Err(etag::mismatch(model, &id, version));
        }
        let after = merge(call, &before, &update, &what.mask)?;
        if write(call, &id, &after, version).await? {
            return Ok(call.show(after, version + 1));
        }
    }
    Err(busy(model, &id, current))
}

/// The record as it is to be: checked, complete, and with a new time of update.
fn merge(call: &Call<'_>, before: &Record, update: &Record, mask: &UpdateMask) -> Result<Record, Error> {
    let table = &call.table;
    let model = &table.model;
    let mut after = before.clone();
    mask.apply(&model.shapes, model.shape, &mut after, update.clone());
    table.behaviors.keep_output_only(before, &mut after);
    after.set(model.roles.id, before.get(model.roles.id).cloned());
    if let Some(path) = table.behaviors.changed_immutable(model, before, &after) {
        let message = format!("{path} is fixed when the {} is created; leave it out of the update", model.name);
        return Err(Error::new(Reason::FieldImmutable, message).with("field", path));
    }
    if let Some(field) = model.roles.updated_at {
        after.set(field, Some(Value::Timestamp(now()?)));
    }
    validate::validate(call, &after)?;
    Ok(after)
}

/// Writes the whole row, if it is still of this version; says whether it was.
async fn write(call: &Call<'_>, id: &Id, record: &Record, version: i64) -> Result<bool, Error> {
    let table = &call.table;
    let mut binds = vec![Bind::i64(version + 1)];
    for column in table.changing() {
        binds.push(bind::bind(&table.model, column, record)?);
    }
    binds.extend([Bind::text(&call.principal.tenant), bind::bind_id(id), Bind::i64(version)]);
    let mut lease = call.records.database().lease().await?;
    let written = lease.run(async |conn| execute(conn, &table.statements.update, &binds).await).await;
    Ok(written.map_err(|error| refusal::of_write(&table.model, error))? > 0)
}

/// The refusal of an update that others kept overtaking.
fn busy(model: &Model, id: &Id, current: Option<i64>) -> Error {
    match current {
        Some(version) => etag::mismatch(model, id, version),
        None => Error::record_not_found(&model.full_name, &id.to_string()),
    }
}
