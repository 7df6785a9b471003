//! Merges an update into a stored record.

use crate::call::Call;
use crate::clock::later;
use crate::operations::off_thread::{OwnedCall, is_long};
use crate::operations::transform::Transform;
use crate::operations::validate;
use groundplan_call::offload;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Reason, Violation};
use groundplan_query::references;

/// Returns the updated record: valid, complete, and with a new update time. Returns `None` if nothing changes: then there
/// is nothing to write, and the record keeps its version and its update time.
pub(crate) fn merge(
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
        return Err(Error::new(Reason::FieldImmutable, message).with("field", path).with_violation(violation));
    }
    table.formulas.compute(model, &mut after, now, &call.budget)?;
    if after == *stored {
        return Ok(None);
    }
    if let Some(field) = model.roles.updated_at {
        let time = later(after.get(field), now);
        after.set(field, Some(Value::Timestamp(time)));
        // A formula can read the update time.
        table.formulas.compute(model, &mut after, now, &call.budget)?;
    }
    validate::validate(call, &after)?;
    Ok(Some(after))
}

/// Merges an update into a stored record, on another thread if that can take long. Returns `None` if nothing changes.
pub(crate) async fn merged(
    call: &Call<'_>,
    stored: &Record,
    (update, mask, transforms): (&Record, &UpdateMask, &[Transform]),
    now: i64,
) -> Result<Option<Record>, Error> {
    let memory = stored.memory() + update.memory();
    if !is_long(&call.table, memory) {
        return merge(call, stored, update.clone(), mask, transforms, now);
    }
    call.budget.hold(memory)?;
    let (owned, stored, update) = (OwnedCall::new(call), stored.clone(), update.clone());
    let (mask, transforms) = (mask.clone(), transforms.to_vec());
    let work = move || merge(&owned.call(), &stored, update, &mask, &transforms, now);
    let merged = offload(work).await?;
    call.budget.release(memory);
    merged
}
