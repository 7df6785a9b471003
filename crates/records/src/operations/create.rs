//! Create: a new record.

use super::conflict::{ATTEMPTS, is_deadlock, pause};
use super::reference::{self, Failure};
use super::{Call, Id, now, validate};
use crate::{bind, references};
use groundplan_chassis::database::Bind;
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
    references::make_canonical(model, &mut record);
    validate::validate(call, &record)?;

    let mut binds = vec![Bind::text(&call.principal.tenant), Bind::i64(now)];
    for column in &table.columns {
        binds.push(bind::bind(model, column, &record)?);
    }
    binds.extend(call.author(now).created(model, &record, now).into_binds());
    match insert(call, &record, &binds).await? {
        0 => Err(exists(call, &id)),
        _ => Ok(call.show(record, now)),
    }
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

/// The refusal of an id that is taken.
fn exists(call: &Call<'_>, id: &Id) -> Error {
    let model = &call.table.model.full_name;
    let id = id.to_string();
    let message = format!("{model} {id:?} exists already; update it, or choose another id");
    Error::new(Reason::RecordExists, message).about(model, id)
}
