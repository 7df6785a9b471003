//! The statements that delete: references are cleared, then all records go at once.

use super::Stop;
use super::doomed::{Doomed, referrers};
use super::restrict::stays;
use crate::operations::{Call, names, now};
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql, execute};
use groundplan_model::catalog::{Model, OnDelete, Referrer};

/// Clears the references with SET_NULL to what goes. Their records change: they get a version and a time of update.
pub(super) async fn clear(call: &Call<'_>, conn: &mut AsyncPgConnection, doomed: &Doomed) -> Result<(), Stop> {
    let now = Bind::timestamptz(now()?);
    for (model, ids) in doomed.models().filter(|(_, ids)| !ids.is_empty()) {
        for referrer in referrers(model, OnDelete::SetNull) {
            let other = &call.related(&referrer.model)?.model;
            let times = other.roles.updated_at.map(|_| now.clone());
            let mut binds: Vec<Bind> = times.into_iter().collect();
            binds.extend([
                Bind::text(&call.principal.tenant),
                names::bind_ids(model, ids),
                names::bind_ids(other, doomed.of(other)),
            ]);
            execute(conn, &cleared(other, referrer), &binds).await?;
        }
    }
    Ok(())
}

/// The statement that clears a reference: the time if the model has one of updates, the tenant, the ids that the reference
/// may have, and the ids of the records that need no clearing.
fn cleared(model: &Model, referrer: &Referrer) -> Sql {
    let (table, column) = (names::table(model), names::column(model, referrer.field));
    let time = model.roles.updated_at.map(|field| names::column(model, field));
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
        let (table, key) = (names::table(model), names::id(model));
        deletes.push(format!("d{at} AS (DELETE FROM {table} AS r WHERE r._tenant = ? AND r.{key} = ANY(?))"));
        binds.extend([Bind::text(&call.principal.tenant), names::bind_ids(model, ids)]);
    }
    let sql = Sql::new(&format!("WITH {} SELECT 1", deletes.join(", ")));
    execute(conn, &sql, &binds).await?;
    Ok(())
}
