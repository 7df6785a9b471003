//! Delete: a record goes, for good, and with it what cannot be without it.

mod doomed;
mod restrict;
mod write;

use super::conflict::{ATTEMPTS, is_deadlock, pause};
use super::{Call, Id, etag, refusal};
use crate::{bind, row};
use diesel::result::Error as DieselError;
use diesel_async::AsyncPgConnection;
use doomed::Doomed;
use groundplan_chassis::database::{Bind, Sql, execute, rows};
use groundplan_error::Error;

/// The most records that one delete takes away.
pub(crate) const MAX_DELETED: usize = 10_000;

/// The most references to what goes that one delete clears.
pub(crate) const MAX_CLEARED: usize = 10_000;

/// Deletes a record, provided that its etag is `etag`, if that is given.
pub(crate) async fn delete(call: &Call<'_>, id: &str, etag: Option<&str>) -> Result<(), Error> {
    let model = &call.table.model;
    let id = Id::parse(model, id)?;
    let wanted = etag::wanted(etag, model, None)?;
    if model.referrers.is_empty() { alone(call, &id, wanted).await } else { with_others(call, &id, wanted).await }
}

/// Deletes a record of a model that nothing refers to.
async fn alone(call: &Call<'_>, id: &Id, wanted: Option<i64>) -> Result<(), Error> {
    let table = &call.table;
    let key = [Bind::text(&call.principal.tenant), bind::bind_id(id)];
    let mut lease = call.records.database().lease().await?;
    let outcome = lease.run(async |conn| {
        let Some(version) = wanted else {
            return Ok((execute(conn, &table.statements.delete, &key).await?, None));
        };
        let [tenant, id] = key.clone();
        let deleted = execute(conn, &table.statements.delete_version, &[tenant, id, Bind::i64(version)]).await?;
        let current = if deleted == 0 { rows(conn, &table.statements.version, &key).await?.pop() } else { None };
        Ok((deleted, current))
    });
    let (deleted, current) = outcome.await.map_err(|error| refusal::of_delete(&table.model, error))?;
    match (deleted, current) {
        (0, Some(row)) => Err(etag::mismatch(&table.model, id, row::version(&row)?)),
        (0, None) => Err(call.not_found(id)),
        _ => Ok(()),
    }
}

/// Why a transaction ended without a delete.
enum Stop {
    Database(DieselError),
    Refused(Error),
}

impl From<DieselError> for Stop {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
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
            Ok(()) => return Ok(()),
            Err(Stop::Refused(error)) => return Err(error),
            Err(Stop::Database(error)) if !is_deadlock(&error) || attempt == ATTEMPTS => {
                return Err(refusal::of_delete(&call.table.model, error));
            }
            Err(Stop::Database(_)) => drop(lease),
        }
        pause(attempt).await;
        attempt += 1;
    }
}

/// Finds and locks all that goes, sees whether it may, and lets it go.
///
/// Each statement sees what was committed before it. Once a record is locked nobody can begin to refer to it, so those who
/// refer to it are known for good by the next statement.
async fn in_transaction(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    id: &Id,
    wanted: Option<i64>,
) -> Result<(), Stop> {
    lock(call, conn, id, wanted).await?;
    let doomed = Doomed::find(call, conn, id).await?;
    restrict::check(call, conn, id, &doomed).await?;
    write::clear(call, conn, id, &doomed).await?;
    write::delete(call, conn, &doomed).await?;
    Ok(())
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
