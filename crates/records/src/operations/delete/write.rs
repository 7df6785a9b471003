//! The statements that delete records permanently, mark them as deleted, or remove the marks.

use super::cascade::CascadeSet;
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
use groundplan_model::catalog::Model;
use groundplan_query::id::Id;
use std::collections::BTreeSet;

/// Deletes the records permanently with one statement. PostgreSQL checks foreign keys at the end of the statement, after
/// all records are deleted, so references among them do not matter.
pub(crate) async fn for_good(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    roots: Roots<'_>,
    cascade: &CascadeSet,
    log: &mut Events<'_>,
) -> Result<(), TxError> {
    let mut deletes = Vec::new();
    let mut binds = Vec::new();
    for (at, (model, ids)) in cascade.models().enumerate() {
        let (name, key) = (model.table.qualified(), model.column_name(model.roles.id));
        if !ids.is_empty() {
            for (before, version) in read(call, conn, (model, ids), roots, log).await? {
                log.deleted(model, &before, version);
            }
        }
        deletes.push(format!("d{at} AS (DELETE FROM {name} AS r WHERE r._tenant = ? AND r.{key} = ANY(?))"));
        binds.extend([Bind::text(&call.principal.tenant), names::bind_ids(model, ids)]);
    }
    let sql = Sql::new(&format!("WITH {} SELECT 1", deletes.join(", ")));
    execute(conn, &sql, &binds).await?;
    Ok(())
}

/// Marks the records as deleted, model by model, and returns those of the roots' model with their new versions.
pub(crate) async fn softly(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    roots: Roots<'_>,
    cascade: &CascadeSet,
    log: &mut Events<'_>,
) -> Result<Vec<(Record, i64)>, TxError> {
    let mut marked = Vec::new();
    for (model, ids) in cascade.models().filter(|(_, ids)| !ids.is_empty()) {
        let time = log.time();
        for (before, version) in read(call, conn, (model, ids), roots, log).await? {
            let after = mark(model, &before, Some(time), time);
            log.updated(model, &before, &after, version + 1);
            if model.full_name == roots.model.full_name {
                marked.push((after, version + 1));
            }
        }
        let sql = marking(model, "?");
        let times = [Some(Bind::timestamptz(time)), model.roles.updated_at.map(|_| Bind::timestamptz(time))];
        let which = [Bind::text(&call.principal.tenant), names::bind_ids(model, ids)];
        let binds: Vec<Bind> = times.into_iter().flatten().chain(which).collect();
        execute(conn, &sql, &binds).await?;
    }
    Ok(marked)
}

/// Removes the deletion marks, and returns the records with their new versions.
pub(crate) async fn unmark(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    (table, before): (&Table, &[(Record, i64)]),
    log: &mut Events<'_>,
) -> Result<Vec<(Record, i64)>, TxError> {
    let (model, time) = (&table.model, log.time());
    let mut living = Vec::new();
    let mut ids = Vec::new();
    for (record, version) in before {
        let after = mark(model, record, None, time);
        log.updated(model, record, &after, version + 1);
        ids.push(Id::of_record(model, record)?);
        living.push((after, version + 1));
    }
    let time = model.roles.updated_at.map(|_| Bind::timestamptz(time));
    let which = [Bind::text(&call.principal.tenant), names::bind_ids(model, &ids)];
    let binds: Vec<Bind> = time.into_iter().chain(which).collect();
    execute(conn, &marking(model, "NULL"), &binds).await?;
    Ok(living)
}

/// Returns the record with another deletion time, as the statement of [`marking`] stores it.
fn mark(model: &Model, before: &Record, deleted_at: Option<i64>, now: i64) -> Record {
    let mut after = before.clone();
    if let Some(field) = model.roles.deleted_at {
        after.set(field, deleted_at.map(Value::Timestamp));
    }
    if let Some(field) = model.roles.updated_at {
        let time = later(before.get(field), now);
        after.set(field, Some(Value::Timestamp(time)));
    }
    after
}

/// Returns the statement that sets or clears the deletion time. Binds: the deletion time if `to` is a bind, the update time
/// if the model has one, the tenant, and the ids.
fn marking(model: &Model, to: &str) -> Sql {
    let (table, key) = (model.table.qualified(), model.column_name(model.roles.id));
    let deleted_at = model.roles.deleted_at.map_or_else(String::new, |field| {
        let column = model.column_name(field);
        format!(", {column} = {to}")
    });
    let updated_at = model.roles.updated_at.map(|field| model.column_name(field));
    let updated_at = updated_at.map_or_else(String::new, |time| format!(", {time} = GREATEST(r.{time}, ?)"));
    Sql::new(&format!(
        "UPDATE {table} AS r SET _version = r._version + 1{deleted_at}{updated_at} \
         WHERE r._tenant = ? AND r.{key} = ANY(?)"
    ))
}

/// Reads locked records with their versions.
async fn read(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    (model, ids): (&Model, &BTreeSet<Id>),
    roots: Roots<'_>,
    log: &mut Events<'_>,
) -> Result<Vec<(Record, i64)>, TxError> {
    let table = call.related(&model.full_name)?;
    let (name, key, columns) = (model.table.qualified(), model.column_name(model.roles.id), names::columns(table));
    let sql = Sql::new(&format!(
        "SELECT r._version, {columns} FROM {name} AS r WHERE r._tenant = ? AND r.{key} = ANY(?) ORDER BY r.{key}"
    ));
    let which = [Bind::text(&call.principal.tenant), names::bind_ids(model, ids)];
    log.read(conn, (table, &sql, &which), &|| roots.too_large()).await
}
