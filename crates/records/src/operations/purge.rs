//! Purges records: deletes them permanently after they expire, or when their retention after a soft delete has passed.

use super::delete::{DeleteMode, Roots, delete_locked, restricts};
use super::names;
use super::write_session::Events;
use crate::call::Call;
use crate::clock::now;
use crate::purge_lag::PurgeKind;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_budget::Budget;
use groundplan_chassis::database::{Bind, Columns as _, Sql, database_error, rows};
use groundplan_error::{Error, Reason};
use groundplan_identity::Principal;
use groundplan_model::catalog::Model;
use groundplan_query::id::Id;
use groundplan_query::visibility;
use std::collections::BTreeMap;

/// The most records that one transaction purges, so that it holds its locks only for a short time.
pub(crate) const MAX_PURGED: usize = 200;

const DAY: i64 = 24 * 3_600 * 1_000_000;

/// The tenant and the id of a record to purge.
pub(crate) type Over = (String, Id);

/// Permanently deletes the records of `ids` that have expired, and waits for locks on them. Returns an error if visible
/// records still refer to them.
pub(super) async fn ended(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    ids: &[Id],
    log: &mut Events<'_>,
) -> Result<(), TxError> {
    let model = &call.table.model;
    let condition = format!("NOT (true{})", visibility::not_expired(model, "r"));
    for_good(call, conn, ids, Ended { condition: &condition, binds: &[], locked: Locked::Awaited }, log).await.map(drop)
}

/// The treatment of records that another transaction has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Locked {
    Awaited,
    Skipped,
}

/// Finds expired records and records past their retention whose purge no visible record prevents, oldest first, after the
/// first `skip` of them. An index has them in this order. Records in use are excluded here, so that they are not tried
/// again and again.
pub(crate) async fn find(call: &Call<'_>, skip: usize) -> Result<Vec<Over>, Error> {
    let model = &call.table.model;
    let Some((condition, binds, order)) = condition(model)? else { return Ok(Vec::new()) };
    let (table, key) = (model.table.qualified(), model.column_name(model.roles.id));
    let free = free(call)?;
    let sql = Sql::new(&format!(
        "SELECT r._tenant, r.{key} FROM {table} AS r WHERE {condition}{free} ORDER BY {order} LIMIT {MAX_PURGED} OFFSET {skip}"
    ));
    let mut lease = call.records.database().lease().await?;
    let found = lease.run(async |conn| rows(conn, &sql, &binds).await).await.map_err(database_error)?;
    let over = found.iter().map(|row| Ok((row.text(0)?.unwrap_or_default(), names::read_id(model, row, 1)?)));
    over.collect::<diesel::QueryResult<_>>().map_err(database_error)
}

/// Returns the SQL condition that no visible record prevents the purge of a record `r` of the call's model, with a leading
/// ` AND `.
fn free(call: &Call<'_>) -> Result<String, Error> {
    let model = &call.table.model;
    let id = model.column_name(model.roles.id);
    let mut conditions = String::new();
    for referrer in model.referrers.iter().filter(|referrer| restricts(referrer.on_delete, DeleteMode::Purge)) {
        let other = &call.related(&referrer.model)?.model;
        let (table, column) = (other.table.qualified(), other.column_name(referrer.field));
        let lives = visibility::visible(other, "o");
        conditions.push_str(&format!(
            " AND NOT EXISTS (SELECT FROM {table} AS o WHERE o._tenant = r._tenant AND o.{column} = r.{id}{lives})"
        ));
    }
    Ok(conditions)
}

/// Returns the time since which the oldest record waits for its purge, in microseconds since the Unix epoch. Returns `None`
/// if no record waits.
pub(crate) async fn waiting_since(call: &Call<'_>, kind: PurgeKind) -> Result<Option<i64>, Error> {
    let model = &call.table.model;
    let (field, kept) = match kind {
        PurgeKind::Expired if model.expiry.is_some() => (model.roles.expires_at, 0),
        PurgeKind::Deleted => {
            (model.roles.deleted_at, model.soft_delete.map_or(0, |soft| i64::from(soft.retention_days) * DAY))
        }
        PurgeKind::Expired => (None, 0),
    };
    let Some(field) = field else { return Ok(None) };
    let (table, column) = (model.table.qualified(), model.column_name(field));
    let sql = Sql::new(&format!(
        "SELECT (extract(epoch FROM min(r.{column})) * 1000000)::bigint FROM {table} AS r WHERE r.{column} <= ?::timestamptz"
    ));
    let binds = [Bind::timestamptz(now()? - kept)];
    let mut lease = call.records.database().lease().await?;
    let found = lease.run(async |conn| rows(conn, &sql, &binds).await).await.map_err(database_error)?;
    let oldest = found.first().map(|row| row.i64(0)).transpose().map_err(database_error)?.flatten();
    Ok(oldest.map(|oldest| oldest + kept))
}

/// Returns the SQL condition for records to purge, with its binds and their order, or `None` if the model purges no
/// records.
fn condition(model: &Model) -> Result<Option<(String, Vec<Bind>, String)>, Error> {
    let (mut conditions, mut binds, mut order) = (Vec::new(), Vec::new(), String::new());
    if let (Some(_), Some(field)) = (model.expiry, model.roles.expires_at) {
        let column = model.column_name(field);
        conditions.push(format!("r.{column} <= statement_timestamp()"));
        order = format!("r.{column}");
    }
    if let (Some(soft), Some(field)) = (model.soft_delete, model.roles.deleted_at) {
        let column = model.column_name(field);
        conditions.push(format!("r.{column} <= ?::timestamptz"));
        binds.push(Bind::timestamptz(now()? - i64::from(soft.retention_days) * DAY));
        order = format!("r.{column}");
    }
    Ok((!conditions.is_empty()).then(|| (format!("({})", conditions.join(" OR ")), binds, order)))
}

/// The result of a purge.
#[derive(Default)]
pub(crate) struct Purged {
    pub(crate) gone: usize,
    /// Records in use: visible records refer to them or to records of their cascade, or the cascade is too large.
    pub(crate) kept: Vec<Over>,
}

/// Purges records, all records of a tenant together. Records that others still refer to remain.
pub(crate) async fn purge(call: &Call<'_>, over: &[Over]) -> Result<Purged, Error> {
    let mut by_tenant: BTreeMap<&str, Vec<Id>> = BTreeMap::new();
    for (tenant, id) in over {
        by_tenant.entry(tenant).or_default().push(id.clone());
    }
    let mut purged = Purged::default();
    for (tenant, ids) in by_tenant {
        let principal = Principal { tenant: tenant.to_owned(), name: call.principal.name.clone() };
        let call = Call { principal: &principal, ..call.clone() };
        match once(&call, &ids).await {
            // At least one of them is in use: purge each separately, and keep those in use.
            Err(error) if is_in_use(&error) => {
                for id in &ids {
                    match once(&call, std::slice::from_ref(id)).await {
                        Err(error) if is_in_use(&error) => purged.kept.push((tenant.to_owned(), id.clone())),
                        outcome => purged.gone += outcome?,
                    }
                }
            }
            outcome => purged.gone += outcome?,
        }
    }
    Ok(purged)
}

fn is_in_use(error: &Error) -> bool {
    matches!(error.reason(), Reason::RecordReferenced | Reason::AnswerTooLarge)
}

async fn once(call: &Call<'_>, ids: &[Id]) -> Result<usize, Error> {
    let Some((condition, binds, _)) = condition(&call.table.model)? else { return Ok(0) };
    let mut lease = call.records.database().lease().await?;
    let outcome = lease.run(async |conn| {
        let transaction = async |conn: &mut AsyncPgConnection| {
            let mut log = Events::new(call.author(now()?), Budget::default());
            let gone = for_good(
                call,
                conn,
                ids,
                Ended { condition: &condition, binds: &binds, locked: Locked::Skipped },
                &mut log,
            )
            .await?;
            log.append(conn).await?;
            Ok::<usize, TxError>(gone)
        };
        conn.build_transaction().read_committed().run(transaction).await
    });
    match outcome.await {
        Ok(gone) => {
            call.records.log().appended();
            Ok(gone)
        }
        Err(TxError::Rejected(error)) => Err(error),
        Err(TxError::Database(error)) => {
            call.records.failed(&error);
            Err(super::refusal::of_delete(&call.table.model, error))
        }
    }
}

/// The records to purge: those that meet an SQL condition on `r`, with its binds.
struct Ended<'a> {
    condition: &'a str,
    binds: &'a [Bind],
    locked: Locked,
}

/// Permanently deletes the records of `ids` that meet a condition, and returns their number.
async fn for_good(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    ids: &[Id],
    Ended { condition, binds, locked }: Ended<'_>,
    log: &mut Events<'_>,
) -> Result<usize, TxError> {
    let model = &call.table.model;
    let (table, key) = (model.table.qualified(), model.column_name(model.roles.id));
    let skip = if locked == Locked::Skipped { " SKIP LOCKED" } else { "" };
    let sql = Sql::new(&format!(
        "SELECT r.{key} FROM {table} AS r WHERE r._tenant = ? AND r.{key} = ANY(?) AND {condition} \
         ORDER BY r.{key} FOR UPDATE{skip}"
    ));
    let which = [Bind::text(&call.principal.tenant), names::bind_ids(model, ids)];
    let binds: Vec<Bind> = which.into_iter().chain(binds.iter().cloned()).collect();
    let ids = names::read_ids(model, &rows(conn, &sql, &binds).await?)?;
    if !ids.is_empty() {
        delete_locked(call, conn, Roots { model, ids: &ids }, DeleteMode::Purge, log).await?;
    }
    Ok(ids.len())
}
