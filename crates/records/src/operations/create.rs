//! Create: a new record.

use super::{Call, Id, now, refusal, validate};
use crate::bind;
use groundplan_chassis::database::{Bind, execute};
use groundplan_codec::{Record, Stored, Value};
use groundplan_error::{Error, Reason};

/// Stores a new record. What only the server sets is not taken from the caller.
pub(crate) async fn create(call: &Call<'_>, mut record: Record) -> Result<Stored, Error> {
    let table = &call.table;
    let model = &table.model;
    let id = Id::for_create(model, record.get(model.roles.id))?;
    let now = now()?;
    table.behaviors.clear_output_only(model, &mut record);
    record.set(model.roles.id, Some(id.to_value()));
    for time in [model.roles.created_at, model.roles.updated_at].into_iter().flatten() {
        record.set(time, Some(Value::Timestamp(now)));
    }
    validate::validate(call, &record)?;

    let mut binds = vec![Bind::text(&call.principal.tenant), Bind::i64(now)];
    for column in &table.columns {
        binds.push(bind::bind(model, column, &record)?);
    }
    let mut lease = call.records.database().lease().await?;
    let stored = lease.run(async |conn| execute(conn, &table.statements.insert, &binds).await).await;
    match stored.map_err(|error| refusal::of_write(model, error))? {
        0 => Err(exists(call, &id)),
        _ => Ok(call.show(record, now)),
    }
}

/// The refusal of an id that is taken.
fn exists(call: &Call<'_>, id: &Id) -> Error {
    let model = &call.table.model.full_name;
    let id = id.to_string();
    let message = format!("{model} {id:?} exists already; update it, or choose another id");
    Error::new(Reason::RecordExists, message).about(model, id)
}
