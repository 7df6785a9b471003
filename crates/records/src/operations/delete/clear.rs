//! SET_NULL references to records that are deleted permanently.

use super::cascade::{CascadeSet, referrers};
use super::limits::MAX_CLEARED;
use super::restrict::stays;
use super::roots::Roots;
use crate::call::Call;
use crate::clock::later;
use crate::operations::names;
use crate::operations::write_session::Events;
use crate::table::Table;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql, execute};
use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Model, OnDelete, Referrer};

/// Clears the references. The changed records get a new version and a new update time.
pub(crate) async fn clear(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    roots: Roots<'_>,
    cascade: &CascadeSet,
    log: &mut Events<'_>,
) -> Result<(), TxError> {
    let time = log.time();
    let mut room = MAX_CLEARED;
    for (model, ids) in cascade.models().filter(|(_, ids)| !ids.is_empty()) {
        for referrer in referrers(model, OnDelete::SetNull) {
            let other = call.related(&referrer.model)?;
            let which = [
                Bind::text(&call.principal.tenant),
                names::bind_ids(model, ids),
                names::bind_ids(&other.model, cascade.of(&other.model)),
            ];
            // No transaction can add a reference to a locked record, so the update clears exactly the records that this
            // query finds.
            let limit = Bind::i64(i64::try_from(room.saturating_add(1)).map_err(Error::internal)?);
            let binds: Vec<Bind> = which.iter().cloned().chain([limit]).collect();
            let sql = to_clear(other, referrer);
            let found = log.read(conn, (other, &sql, &binds), &|| roots.too_large()).await?;
            room = room.checked_sub(found.len()).ok_or_else(|| too_many(roots))?;
            let times = other.model.roles.updated_at.map(|_| Bind::timestamptz(time));
            let binds: Vec<Bind> = times.into_iter().chain(which).collect();
            execute(conn, &cleared(&other.model, referrer), &binds).await?;
            for (before, version) in &found {
                log.updated(&other.model, before, &without(&other.model, referrer, before, time), version + 1);
            }
        }
    }
    Ok(())
}

/// Returns the record with its reference cleared, as the statement of [`cleared`] stores it.
fn without(model: &Model, referrer: &Referrer, before: &Record, time: i64) -> Record {
    let mut after = before.clone();
    after.set(referrer.field, None);
    if let Some(field) = model.roles.updated_at {
        let time = later(before.get(field), time);
        after.set(field, Some(Value::Timestamp(time)));
    }
    after
}

/// Returns the statement that reads and locks the records whose reference must be cleared, in the order of their ids.
/// Binds: the tenant, the referenced ids, the ids of the records to skip, and the limit.
fn to_clear(table: &Table, referrer: &Referrer) -> Sql {
    let model = &table.model;
    let (name, column, id) =
        (model.table.qualified(), model.column_name(referrer.field), model.column_name(model.roles.id));
    Sql::new(&format!(
        "SELECT r._version, {} FROM {name} AS r WHERE r._tenant = ? AND r.{column} = ANY(?) AND {} \
         ORDER BY r.{id} LIMIT ? FOR UPDATE",
        names::columns(table),
        stays(model)
    ))
}

fn too_many(roots: Roots<'_>) -> Error {
    let message = format!(
        "the delete of {roots} would clear more than {MAX_CLEARED} references to it, or to what would be deleted with it; \
         nothing was deleted: clear some of them by updates first, or delete their records"
    );
    roots.refused(Reason::AnswerTooLarge, message)
}

/// Returns the statement that clears a reference. Binds: the update time if the model has one, the tenant, the referenced
/// ids, and the ids of the records to skip.
fn cleared(model: &Model, referrer: &Referrer) -> Sql {
    let (table, column) = (model.table.qualified(), model.column_name(referrer.field));
    let time = model.roles.updated_at.map(|field| model.column_name(field));
    // Clocks differ between processes and can be set back; the times of a record must not go back.
    let time = time.map_or_else(String::new, |time| format!(", {time} = GREATEST(r.{time}, ?)"));
    Sql::new(&format!(
        "UPDATE {table} AS r SET _version = r._version + 1, {column} = NULL{time} \
         WHERE r._tenant = ? AND r.{column} = ANY(?) AND {}",
        stays(model)
    ))
}
