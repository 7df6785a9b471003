//! Completes new records: sets the fields that the server sets, and validates the records.

use crate::call::Call;
use crate::operations::off_thread::{OwnedCall, is_long};
use crate::operations::validate;
use groundplan_call::offload;
use groundplan_codec::{LAST_TIME, Record, Value};
use groundplan_error::Error;
use groundplan_model::catalog::Expiry;
use groundplan_query::id::Id;
use groundplan_query::references;

/// The source of a new record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A caller that creates it. Output-only fields are cleared.
    Caller,
    /// An import, which restores records. Only the etag is removed.
    Import,
}

/// Completes a new record: sets the fields that the server sets, and validates the record.
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

/// Completes a record that a caller creates, on another thread if that can take long.
pub(crate) async fn completed(call: &Call<'_>, record: Record, id: &Id, now: i64) -> Result<Record, Error> {
    if !is_long(&call.table, record.memory()) {
        return complete(call, record, id, Origin::Caller, now);
    }
    let (owned, id) = (OwnedCall::new(call), id.clone());
    offload(move || complete(&owned.call(), record, &id, Origin::Caller, now)).await?
}
