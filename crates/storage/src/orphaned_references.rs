//! Records that refer to records that do not exist.

use super::arrange::find_reference;
use super::error::StorageError;
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns, Sql, rows};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Catalog, Model, Reference};
use groundplan_model::{Execution, Step};

/// The maximum number of records in a message.
const MAX_NAMED: usize = 10;

/// Rejects a step that would fail after it rewrote the table. The foreign key checks again.
pub(super) async fn check_early(
    conn: &mut AsyncPgConnection,
    target: &Catalog,
    step: &Step,
) -> Result<(), StorageError> {
    if step.statements.iter().all(|statement| statement.execution != Execution::InBatches) {
        return Ok(());
    }
    match explanation(conn, target, step).await? {
        Some(explanation) => Err(step_failed(step, &explanation)),
        None => Ok(()),
    }
}

/// Adds the orphaned references to the error of a step, if they are its cause.
pub(super) async fn explain(
    conn: &mut AsyncPgConnection,
    target: &Catalog,
    step: &Step,
    cause: StorageError,
) -> StorageError {
    let is_violation =
        |error: &DieselError| matches!(error, DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _));
    match &cause {
        StorageError::Step { error, .. } if is_violation(error) => match explanation(conn, target, step).await {
            Ok(Some(explanation)) => step_failed(step, &explanation),
            // The records were corrected meanwhile, or the connection is lost: PostgreSQL's message remains.
            _ => cause,
        },
        _ => cause,
    }
}

fn step_failed(step: &Step, explanation: &str) -> StorageError {
    StorageError::Explained(Error::new(Reason::StepFailed, format!("{}: {explanation}", step.description)))
}

/// Lists the records whose reference does not exist; `None` if there are none or the step adds no reference.
async fn explanation(conn: &mut AsyncPgConnection, target: &Catalog, step: &Step) -> QueryResult<Option<String>> {
    let Some((model, reference)) = find_reference(target, &step.subject) else { return Ok(None) };
    let Some(other) = target.model(&reference.target) else { return Ok(None) };
    let orphans = rows(conn, &Sql::new(&sql(model, reference, other)), &[]).await?;
    let mut named = Vec::new();
    for row in &orphans {
        let text = |at| row.text(at).map(Option::unwrap_or_default);
        named.push(format!("{:?} of tenant {:?} to {:?}", text(0)?, text(1)?, text(2)?));
    }
    let Some(first) = orphans.first() else { return Ok(None) };
    let count = first.i64(3)?.unwrap_or_default();
    let field = &model.shape().field(reference.field).name;
    let more = if usize::try_from(count).is_ok_and(|count| count <= named.len()) { "" } else { " and others" };
    Ok(Some(format!(
        "{count} of the records of {} refer by {field} to records of {} that do not exist: {}{more}; correct or clear them, \
         and apply again",
        model.full_name,
        other.full_name,
        named.join(", ")
    )))
}

/// Returns a query for the id, the tenant and the missing target of each such record, and the number of all.
fn sql(model: &Model, reference: &Reference, other: &Model) -> String {
    let (id, column) = (model.column_name(model.roles.id), model.column_name(reference.field));
    format!(
        "SELECT r.{id}::text, r._tenant, r.{column}::text, count(*) OVER () FROM {} r \
         WHERE r.{column}::text <> '' AND NOT EXISTS \
         (SELECT 1 FROM {} o WHERE o._tenant = r._tenant AND o.{} = r.{column}) ORDER BY r._tenant, r.{id} LIMIT {MAX_NAMED}",
        model.table.qualified(),
        other.table.qualified(),
        other.column_name(other.roles.id),
    )
}
