//! Update: some fields of a record, or all.

use super::conflict::{ATTEMPTS, PAUSE, is_deadlock, pause};
use super::reference::{self, Failure};
use super::write::Transform;
use super::{apart, deleted, get, validate};
use crate::call::Call;
use crate::clock::now;
use crate::etag;
use crate::id::Id;
use crate::{bind, living, references};
use groundplan_chassis::database::Bind;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Stored, Value};
use groundplan_error::{Error, Reason, Violation};
use groundplan_model::catalog::Model;

/// Changes a record, provided that its etag is `etag`, if that is given. What only the server sets stays as it is, whatever
/// the mask names.
pub(super) async fn update(
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
        let Some(after) = apart::merged(call, &before, (&update, mask, &[]), now).await? else {
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

/// The record as it is to be: checked, complete, and with a new time of update. None if it would be what it is already: then
/// there is nothing to write, and the record keeps its version and its time of update.
pub(super) fn merge(
    call: &Call<'_>,
    stored: &Record,
    update: Record,
    mask: &UpdateMask,
    transforms: &[Transform],
    now: i64,
) -> Result<Option<Record>, Error> {
    let table = &call.table;
    let model = &table.model;
    let before = table.behaviors.before(model, stored);
    let mut after = stored.clone();
    mask.apply(&model.shapes, model.shape, &mut after, update);
    for transform in transforms {
        transform.apply(model, &mut after, now, &call.budget)?;
    }
    references::make_canonical(model, &mut after);
    before.keep_own(&mut after);
    if *mask == UpdateMask::All {
        before.keep_immutable(&mut after);
    }
    if let Some(path) = before.changed_immutable(&after) {
        let message = format!("{path} is fixed when the {} is created; leave it out of the update", model.name);
        let violation = Violation {
            field: path.clone(),
            description: "cannot be changed; leave it out of the update".to_owned(),
            rule: "immutable".into(),
        };
        return Err(Error::new(Reason::FieldImmutable, message).with("field", path).violating(violation));
    }
    table.formulas.compute(model, &mut after, now, &call.budget)?;
    if after == *stored {
        return Ok(None);
    }
    if let Some(field) = model.roles.updated_at {
        let time = later(after.get(field), now);
        after.set(field, Some(Value::Timestamp(time)));
        // A formula may read the time.
        table.formulas.compute(model, &mut after, now, &call.budget)?;
    }
    validate::validate(call, &after)?;
    Ok(Some(after))
}

/// Refuses a record that is deleted.
pub(super) fn check_living(model: &Model, id: &Id, record: &Record) -> Result<(), Error> {
    if living::deletion(model, record).is_none() {
        return Ok(());
    }
    Err(deleted::refused(model, id))
}

/// The time of this update. Clocks differ between processes and are set back; a record's times are not.
pub(super) fn later(before: Option<&Value>, now: i64) -> i64 {
    match before {
        Some(Value::Timestamp(before)) => now.max(*before),
        _ => now,
    }
}

/// Writes the whole row, if it is still of this version; says whether it was.
async fn write(
    call: &Call<'_>,
    id: &Id,
    (before, record): (&Record, &Record),
    version: i64,
    now: i64,
) -> Result<bool, Error> {
    let table = &call.table;
    let mut binds = vec![Bind::i64(version + 1)];
    for column in table.changing() {
        binds.push(bind::bind(&table.model, column, record)?);
    }
    binds.extend([Bind::text(&call.principal.tenant), bind::bind_id(id), Bind::i64(version)]);
    binds.extend(call.author(now).updated(&table.model, before, record, version + 1).into_binds());
    match call.write(&table.statements.update, &binds).await? {
        Ok(written) => Ok(written > 0),
        // Who deletes what the record refers to came first.
        Err(error) if is_deadlock(&error) => Ok(false),
        Err(error) => match reference::of_write(call, record, error).await {
            Failure::Overtaken(_) => Ok(false),
            Failure::Refused(error) => Err(error),
        },
    }
}

/// The refusal of an update that others kept overtaking. It is ABORTED, as any write that others came before.
fn busy(model: &Model, id: &Id) -> Error {
    let id = id.to_string();
    let message = format!(
        "{} {id:?} was changed by others at each of {ATTEMPTS} attempts to update it; try again",
        model.full_name
    );
    Error::new(Reason::RecordBusy, message).about(&model.full_name, id).retry_after(PAUSE * ATTEMPTS)
}
