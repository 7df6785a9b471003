//! Errors for writes that conflict with a soft-deleted record. The queries run only after a write failed, so that
//! successful writes do not pay for them.

use super::names;
use crate::call::Call;
use crate::table::Table;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql, database_error, rows};
use groundplan_codec::Record;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use groundplan_query::id::Id;
use groundplan_query::visibility;

/// Returns whether the record of an id is stored and soft-deleted.
pub(super) async fn is_deleted(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    table: &Table,
    id: &Id,
) -> QueryResult<bool> {
    let model = &table.model;
    let Some(deleted_at) = model.roles.deleted_at else { return Ok(false) };
    let (name, key) = (model.table.qualified(), model.column_name(model.roles.id));
    let sql = Sql::new(&format!(
        "SELECT true FROM {name} AS r WHERE r._tenant = ? AND r.{key} = ANY(?) AND r.{} IS NOT NULL{}",
        model.column_name(deleted_at),
        visibility::not_expired(model, "r")
    ));
    let binds = [Bind::text(&call.principal.tenant), names::bind_ids(model, [id])];
    Ok(!rows(conn, &sql, &binds).await?.is_empty())
}

/// Returns the error for an id that is taken.
pub(super) async fn exists(call: &Call<'_>, id: &Id) -> Error {
    if call.table.model.roles.deleted_at.is_none() {
        return taken(&call.table.model, id, false);
    }
    let lease = call.records.database().lease().await;
    let is_deleted = match lease {
        Ok(mut lease) => {
            lease.run(async |conn| is_deleted(call, conn, &call.table, id).await).await.map_err(database_error)
        }
        Err(error) => Err(error),
    };
    is_deleted.map_or_else(|error| error, |is_deleted| taken(&call.table.model, id, is_deleted))
}

/// Returns the same error, in the transaction of the write.
pub(super) async fn exists_on(call: &Call<'_>, conn: &mut AsyncPgConnection, id: &Id) -> QueryResult<Error> {
    let is_deleted = is_deleted(call, conn, &call.table, id).await?;
    Ok(taken(&call.table.model, id, is_deleted))
}

fn taken(model: &Model, id: &Id, is_deleted: bool) -> Error {
    let (model, id) = (&model.full_name, id.to_string());
    let message = match is_deleted {
        true => format!("{model} {id:?} exists already and is deleted; undelete it, or choose another id"),
        false => format!("{model} {id:?} exists already; update it, or choose another id"),
    };
    let refused = Error::new(Reason::RecordExists, message).with_resource(model, id);
    if is_deleted { refused.with("isDeleted", "true") } else { refused }
}

/// Returns the error for a write of a soft-deleted record other than a second delete.
pub(super) fn refused(model: &Model, id: &Id) -> Error {
    let id = id.to_string();
    let message = format!("{} {id:?} is deleted; undelete it first", model.full_name);
    Error::new(Reason::RecordDeleted, message).with_resource(&model.full_name, id)
}

/// Returns the error for a second delete.
pub(super) fn refused_again(model: &Model, id: &Id) -> Error {
    let id = id.to_string();
    let message = format!("{} {id:?} is deleted already; undelete it to have it back", model.full_name);
    Error::new(Reason::RecordDeleted, message).with_resource(&model.full_name, id)
}

/// Returns an error if the record is soft-deleted.
pub(super) fn check_living(model: &Model, id: &Id, record: &Record) -> Result<(), Error> {
    if visibility::deleted_at(model, record).is_none() {
        return Ok(());
    }
    Err(refused(model, id))
}
