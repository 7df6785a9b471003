//! The statements that delete: references are cleared, then all records go at once.

use super::doomed::{Doomed, referrers};
use super::restrict::stays;
use super::{MAX_CLEARED, Stop};
use crate::operations::{Call, Id, names, now};
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns, Sql, execute, rows};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Model, OnDelete, Referrer};

/// Clears the references with SET_NULL to what goes. Their records change: they get a version and a time of update.
pub(super) async fn clear(call: &Call<'_>, conn: &mut AsyncPgConnection, id: &Id, doomed: &Doomed) -> Result<(), Stop> {
    let now = Bind::timestamptz(now()?);
    let mut room = i64::try_from(MAX_CLEARED).map_err(Error::internal)?;
    for (model, ids) in doomed.models().filter(|(_, ids)| !ids.is_empty()) {
        for referrer in referrers(model, OnDelete::SetNull) {
            let other = &call.related(&referrer.model)?.model;
            let which = [
                Bind::text(&call.principal.tenant),
                names::bind_ids(model, ids),
                names::bind_ids(other, doomed.of(other)),
            ];
            // Nobody can begin to refer to what is locked: no more are cleared than are counted.
            let limit = Bind::i64(room.saturating_add(1));
            let binds: Vec<Bind> = which.iter().cloned().chain([limit]).collect();
            let found = rows(conn, &counted(other, referrer), &binds).await?;
            room -= found.first().map(|row| row.i64(0)).transpose()?.flatten().unwrap_or_default();
            if room < 0 {
                return Err(too_many(&call.table.model, id).into());
            }
            let times = other.roles.updated_at.map(|_| now.clone());
            let binds: Vec<Bind> = times.into_iter().chain(which).collect();
            execute(conn, &cleared(other, referrer), &binds).await?;
        }
    }
    Ok(())
}

/// The statement that counts the references to clear, up to a limit: the tenant, the ids that the reference may have, the
/// ids of the records that need no clearing, and the limit.
fn counted(model: &Model, referrer: &Referrer) -> Sql {
    let (table, column) = (model.table.qualified(), model.column_name(referrer.field));
    let stays = stays(model);
    Sql::new(&format!(
        "SELECT count(*) FROM (SELECT FROM {table} AS r WHERE r._tenant = ? AND r.{column} = ANY(?) AND {stays} LIMIT ?) \
         AS found"
    ))
}

fn too_many(model: &Model, id: &Id) -> Error {
    let id = id.to_string();
    let message = format!(
        "the delete of {} {id:?} would clear more than {MAX_CLEARED} references to it, or to what would be deleted with it; \
         nothing was deleted: clear some of them by updates first, or delete their records",
        model.full_name
    );
    Error::new(Reason::AnswerTooLarge, message).about(&model.full_name, id)
}

/// The statement that clears a reference: the time if the model has one of updates, the tenant, the ids that the reference
/// may have, and the ids of the records that need no clearing.
fn cleared(model: &Model, referrer: &Referrer) -> Sql {
    let (table, column) = (model.table.qualified(), model.column_name(referrer.field));
    let time = model.roles.updated_at.map(|field| model.column_name(field));
    // Clocks differ between processes and are set back; a record's times are not.
    let time = time.map_or_else(String::new, |time| format!(", {time} = GREATEST(r.{time}, ?)"));
    Sql::new(&format!(
        "UPDATE {table} AS r SET _version = r._version + 1, {column} = NULL{time} \
         WHERE r._tenant = ? AND r.{column} = ANY(?) AND {}",
        stays(model)
    ))
}

/// Deletes the records by one statement: foreign keys are checked at its end, when none of the records is left, so that it
/// does not matter how they refer to each other.
pub(super) async fn delete(call: &Call<'_>, conn: &mut AsyncPgConnection, doomed: &Doomed) -> Result<(), Stop> {
    let mut deletes = Vec::new();
    let mut binds = Vec::new();
    for (at, (model, ids)) in doomed.models().enumerate() {
        let (table, key) = (model.table.qualified(), model.column_name(model.roles.id));
        deletes.push(format!("d{at} AS (DELETE FROM {table} AS r WHERE r._tenant = ? AND r.{key} = ANY(?))"));
        binds.extend([Bind::text(&call.principal.tenant), names::bind_ids(model, ids)]);
    }
    let sql = Sql::new(&format!("WITH {} SELECT 1", deletes.join(", ")));
    execute(conn, &sql, &binds).await?;
    Ok(())
}
