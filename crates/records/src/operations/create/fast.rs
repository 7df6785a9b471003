//! A create with one statement.

use super::complete::completed;
use crate::call::Call;
use crate::clock::now;
use crate::operations::conflict::{ATTEMPTS, is_deadlock, pause};
use crate::operations::deleted;
use crate::operations::reference::{self, Failure};
use groundplan_chassis::database::Bind;
use groundplan_codec::{Record, Stored};
use groundplan_error::Error;
use groundplan_query::bind;
use groundplan_query::id::Id;

/// Creates a record with one statement.
pub(crate) async fn create(call: &Call<'_>, record: Record) -> Result<Stored, Error> {
    let table = &call.table;
    let model = &table.model;
    let id = Id::for_create(model, record.get(model.roles.id))?;
    let now = now()?;
    let record = completed(call, record, &id, now).await?;
    let mut binds = vec![Bind::text(&call.principal.tenant), Bind::i64(now)];
    for column in &table.columns {
        binds.push(bind::bind(model, column, &record)?);
    }
    binds.extend(call.author(now).created(model, &record, now).into_binds());
    match insert(call, &record, &binds).await? {
        0 => Err(deleted::exists(call, &id).await),
        _ => Ok(call.show(record, now)),
    }
}

/// Inserts the row unless its id is taken, and returns the number of inserted rows. The insert and a concurrent delete of a
/// referenced record can deadlock, so it retries.
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
