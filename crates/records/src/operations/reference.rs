//! Errors for writes that violate a foreign key: the record refers to a record that does not exist.

use super::{deleted, refusal};
use crate::call::Call;
use crate::tx_error::TxError;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns, Sql, database_error, rows};
use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Violation};
use groundplan_model::catalog::{Model, Reference};
use groundplan_query::bind::bind_id;
use groundplan_query::id::Id;

/// The meaning of a failed write of a record.
pub(super) enum Failure {
    /// The referenced record was created in the meantime, so another attempt can succeed. The error is for the last
    /// attempt.
    Overtaken(Error),
    Refused(Error),
}

/// Returns the meaning of a failed write of a record. If a reference to a missing record caused the failure, the error
/// names all such references.
pub(super) async fn of_write(call: &Call<'_>, record: &Record, error: DieselError) -> Failure {
    if !is_broken_reference(&error) {
        return Failure::Refused(refusal::of_write(&call.table.model, error));
    }
    match call.records.database().lease().await {
        Ok(mut lease) => lease.run(async |conn| of_write_on(call, conn, record, error).await).await,
        Err(refused) => Failure::Refused(refused),
    }
}

fn is_broken_reference(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _))
}

/// Returns the error that stops a transaction after a statement failed that writes one record of a request. A foreign key
/// that is violated at this point is not deferred. An aborted transaction runs no queries, so only the key identifies the
/// reference.
pub(super) fn stop(call: &Call<'_>, record: &Record, error: DieselError, place: &str) -> TxError {
    let model = &call.table.model;
    let DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, facts) = &error else {
        return refusal::stop(model, error, place);
    };
    let broken = facts.constraint_name().unwrap_or_default().to_owned();
    let refused = match broken_reference(call, record, &broken) {
        Some(violation) => Error::invalid(vec![violation]),
        None => refusal::unknown_reference(model, &broken),
    };
    refused.caused_by(error).within(place).into()
}

async fn of_write_on(call: &Call<'_>, conn: &mut AsyncPgConnection, record: &Record, error: DieselError) -> Failure {
    let model = &call.table.model;
    let DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, facts) = &error else {
        return Failure::Refused(refusal::of_write(model, error));
    };
    let broken = facts.constraint_name().unwrap_or_default().to_owned();
    match dangling(call, conn, record).await {
        Ok(violations) if violations.is_empty() => match broken_reference(call, record, &broken) {
            Some(violation) => Failure::Overtaken(Error::invalid(vec![violation]).caused_by(error)),
            None => Failure::Refused(refusal::unknown_reference(model, &broken).caused_by(error)),
        },
        Ok(violations) => Failure::Refused(Error::invalid(violations).caused_by(error)),
        Err(error) => Failure::Refused(error),
    }
}

/// Returns the violation of a served reference, identified by its foreign key.
fn broken_reference(call: &Call<'_>, record: &Record, constraint: &str) -> Option<Violation> {
    let model = &call.table.model;
    let reference = model.references.iter().find(|reference| reference.constraint == constraint)?;
    let target = &call.related(&reference.target).ok()?.model;
    Some(violation(model, reference, &id_of(target, record, reference).ok()??, NOWHERE))
}

/// Returns a violation for each reference to a missing record. Uses one statement, the same for all records of the model.
async fn dangling(call: &Call<'_>, conn: &mut AsyncPgConnection, record: &Record) -> Result<Vec<Violation>, Error> {
    let model = &call.table.model;
    let (mut asked, mut parts, mut binds) = (Vec::new(), Vec::new(), Vec::new());
    for reference in &model.references {
        let target = &call.related(&reference.target)?.model;
        let id = id_of(target, record, reference)?;
        let (table, column) = (target.table.qualified(), target.column_name(target.roles.id));
        parts.push(format!("EXISTS (SELECT FROM {table} WHERE _tenant = ? AND {column} = ?)"));
        binds.extend([Bind::text(&call.principal.tenant), id.as_ref().map_or(Bind::Null, bind_id)]);
        // A reference to the record itself is valid as soon as the record is stored.
        let is_itself =
            reference.target == model.full_name && record.get(model.roles.id) == record.get(reference.field);
        asked.push((reference, id.filter(|_| !is_itself)));
    }
    let sql = Sql::new(&format!("SELECT {}", parts.join(", ")));
    let found = rows(conn, &sql, &binds).await.map_err(database_error)?;
    let row = found.first().ok_or_else(|| Error::internal("a query without FROM has given no row"))?;
    let mut violations = Vec::new();
    for (at, (reference, id)) in asked.iter().enumerate() {
        if let Some(id) = id
            && row.bool(at).map_err(database_error)? == Some(false)
        {
            violations.push(violation(model, reference, id, NOWHERE));
        }
    }
    Ok(violations)
}

/// Returns the id that a reference of a record has, or `None` if the reference is empty.
pub(super) fn id_of(target: &Model, record: &Record, reference: &Reference) -> Result<Option<Id>, Error> {
    match record.get(reference.field) {
        Some(Value::String(text)) => Id::of_stored(target, text).map(Some),
        _ => Ok(None),
    }
}

/// The description of a referenced record that is not stored, or has expired.
const NOWHERE: &str = "which does not exist";

/// The description of a referenced record that is soft-deleted.
const DELETED: &str = "which is deleted; undelete it, or refer to another one";

/// Returns the violation of a new reference to a record that is missing or soft-deleted.
pub(super) async fn missed(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    model: &Model,
    (reference, id): (&Reference, &Id),
) -> Result<Violation, TxError> {
    let target = call.related(&reference.target)?;
    let is_deleted = deleted::is_deleted(call, conn, target, id).await?;
    Ok(violation(model, reference, id, if is_deleted { DELETED } else { NOWHERE }))
}

/// Returns the violation that prevents the undelete of `record` together with the record that it was deleted with.
pub(super) async fn kept_away(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    (model, record): (&Model, &Id),
    (reference, id): (&Reference, &Id),
) -> Result<Violation, TxError> {
    let target = call.related(&reference.target)?;
    let is_deleted = deleted::is_deleted(call, conn, target, id).await?;
    let what = if is_deleted { "which is deleted; undelete that first" } else { NOWHERE };
    let refers = violation(model, reference, id, what);
    let description = format!(
        "of {} {:?}, which would come back with it, {}",
        model.full_name,
        record.to_string(),
        refers.description
    );
    Ok(Violation { description, ..refers })
}

/// Returns the violation of a reference.
fn violation(model: &Model, reference: &Reference, id: &Id, what: &str) -> Violation {
    Violation {
        field: model.shape().field(reference.field).name.clone(),
        description: format!("refers to {} {:?}, {what}", reference.target, id.to_string()),
        rule: "references".into(),
    }
}
