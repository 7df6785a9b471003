//! Delete: a record goes, for good, and with it what cannot be without it.

mod clear;
mod doomed;
mod restrict;
mod roots;
mod undelete;
mod write;

use super::conflict::{ATTEMPTS, is_deadlock, pause};
use super::events::Events;
use super::{Call, Id, etag, get, now, refusal};
use crate::stop::Stop;
use crate::{bind, row};
use diesel_async::AsyncPgConnection;
use doomed::Doomed;
use groundplan_chassis::database::{Bind, Sql, rows};
use groundplan_codec::Record;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
pub(super) use roots::Roots;
pub(super) use undelete::undelete_locked;

/// The most records that one delete takes away.
pub(crate) const MAX_DELETED: usize = 10_000;

/// The most references to what goes that one delete clears.
pub(crate) const MAX_CLEARED: usize = 10_000;

/// How often a record is deleted without a lock on it before.
const UNLOCKED_ATTEMPTS: u32 = 3;

/// Deletes a record, provided that its etag is `etag`, if that is given.
pub(super) async fn delete(call: &Call<'_>, id: &str, etag: &str) -> Result<(), Error> {
    let model = &call.table.model;
    let id = Id::parse(model, id)?;
    let wanted = etag::wanted(etag, model, None)?;
    if model.referrers.is_empty() { alone(call, &id, wanted).await } else { with_others(call, &id, wanted).await }
}

/// Deletes a record of a model that nothing refers to: it is read, and deleted if it is the same still. Those who keep being
/// overtaken lock it.
async fn alone(call: &Call<'_>, id: &Id, wanted: Option<i64>) -> Result<(), Error> {
    let table = &call.table;
    for attempt in 1..=UNLOCKED_ATTEMPTS {
        let (before, version) = get::read(call, id).await?;
        if wanted.is_some_and(|wanted| wanted != version) {
            return Err(etag::mismatch(&table.model, id, version));
        }
        let event = call.author(now()?).deleted(&table.model, &before, version);
        let mut binds = vec![Bind::text(&call.principal.tenant), bind::bind_id(id), Bind::i64(version)];
        binds.extend(event.into_binds());
        let deleted = call.write(&table.statements.delete, &binds).await?;
        if deleted.map_err(|error| refusal::of_delete(&table.model, error))? > 0 {
            return Ok(());
        }
        pause(attempt).await;
    }
    with_others(call, id, wanted).await
}

/// Deletes a record that others may refer to. Those who write references to what is locked here wait for the end, and so
/// may this for them: whoever PostgreSQL ends tries again.
async fn with_others(call: &Call<'_>, id: &Id, wanted: Option<i64>) -> Result<(), Error> {
    let mut attempt = 1;
    loop {
        let mut lease = call.records.database().lease().await?;
        let outcome = lease.run(async |conn| {
            let transaction = async |conn: &mut AsyncPgConnection| in_transaction(call, conn, id, wanted).await;
            conn.build_transaction().read_committed().run(transaction).await
        });
        match outcome.await {
            Ok(()) => {
                call.records.log().appended();
                return Ok(());
            }
            Err(Stop::Refused(error)) => return Err(error),
            Err(Stop::Database(error)) if !is_deadlock(&error) || attempt == ATTEMPTS => {
                call.records.failed(&error);
                return Err(refusal::of_delete(&call.table.model, error));
            }
            Err(Stop::Database(_)) => drop(lease),
        }
        pause(attempt).await;
        attempt += 1;
    }
}

/// How records are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    ForGood,
    /// They are marked, and can be undeleted until they are purged.
    Soft,
}

impl Manner {
    /// That of a model.
    pub(super) fn of_model(model: &Model) -> Self {
        if model.soft_delete.is_some() { Self::Soft } else { Self::ForGood }
    }
}

/// Finds and locks all that goes with records that are locked, sees whether it may, and lets it go. Those that stay, deleted
/// softly, are given with their new versions.
///
/// Each statement sees what was committed before it. Once a record is locked nobody can begin to refer to it, so those who
/// refer to it are known for good by the next statement.
pub(super) async fn delete_locked(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    roots: Roots<'_>,
    manner: Manner,
    log: &mut Events<'_>,
) -> Result<Vec<(Record, i64)>, Stop> {
    let doomed = Doomed::find(call, conn, roots, manner).await?;
    restrict::check(call, conn, roots, &doomed).await?;
    match manner {
        Manner::Soft => write::softly(call, conn, roots, &doomed, log).await,
        Manner::ForGood => {
            clear::clear(call, conn, roots, &doomed, log).await?;
            write::for_good(call, conn, roots, &doomed, log).await?;
            Ok(Vec::new())
        }
    }
}

async fn in_transaction(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    id: &Id,
    wanted: Option<i64>,
) -> Result<(), Stop> {
    lock(call, conn, id, wanted).await?;
    let mut log = Events::new(call.author(now()?));
    let roots = Roots { model: &call.table.model, ids: std::slice::from_ref(id) };
    delete_locked(call, conn, roots, Manner::ForGood, &mut log).await?;
    log.append(conn).await
}

/// Locks the record, if it is there and of the wanted version.
async fn lock(call: &Call<'_>, conn: &mut AsyncPgConnection, id: &Id, wanted: Option<i64>) -> Result<(), Stop> {
    let model = &call.table.model;
    let (table, key) = (model.table.qualified(), model.column_name(model.roles.id));
    let sql = Sql::new(&format!("SELECT _version FROM {table} WHERE _tenant = ? AND {key} = ? FOR UPDATE"));
    let found = rows(conn, &sql, &[Bind::text(&call.principal.tenant), bind::bind_id(id)]).await?;
    let row = found.first().ok_or_else(|| call.not_found(id))?;
    let version = row::version(row)?;
    match wanted.filter(|wanted| *wanted != version) {
        Some(_) => Err(etag::mismatch(model, id, version).into()),
        None => Ok(()),
    }
}
