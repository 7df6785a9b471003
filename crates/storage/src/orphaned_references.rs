//! Records that refer to others that are not there.

use super::arrange::find_reference;
use super::failure::Trouble;
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns, Sql, rows};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Catalog, Model, Reference};
use groundplan_model::{Execution, Step};

/// As many are named.
const MAX_NAMED: usize = 10;

/// Refuses a step that would fail after it has rewritten the table. The foreign key looks again.
pub(super) async fn refuse_early(conn: &mut AsyncPgConnection, target: &Catalog, step: &Step) -> Result<(), Trouble> {
    if step.statements.iter().all(|statement| statement.execution != Execution::InBatches) {
        return Ok(());
    }
    match explanation(conn, target, step).await? {
        Some(words) => Err(refusal(step, &words)),
        None => Ok(()),
    }
}

/// Says which records stand in the way, if that is why a step failed.
pub(super) async fn explain(conn: &mut AsyncPgConnection, target: &Catalog, step: &Step, trouble: Trouble) -> Trouble {
    let is_violation =
        |error: &DieselError| matches!(error, DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _));
    match &trouble {
        Trouble::Step { error, .. } if is_violation(error) => match explanation(conn, target, step).await {
            Ok(Some(words)) => refusal(step, &words),
            // Somebody has corrected them meanwhile, or the connection is lost: PostgreSQL's words must do.
            _ => trouble,
        },
        _ => trouble,
    }
}

fn refusal(step: &Step, words: &str) -> Trouble {
    Trouble::Explained(Error::new(Reason::StepFailed, format!("{}: {words}", step.description)))
}

/// Names the records that refer to nothing, if there are any and the step is about a reference.
async fn explanation(conn: &mut AsyncPgConnection, target: &Catalog, step: &Step) -> QueryResult<Option<String>> {
    let Some((model, reference)) = find_reference(target, &step.subject) else { return Ok(None) };
    let Some(other) = target.model(&reference.target) else { return Ok(None) };
    let found = rows(conn, &Sql::new(&sql(model, reference, other)), &[]).await?;
    let mut named = Vec::new();
    for row in &found {
        let text = |at| row.text(at).map(Option::unwrap_or_default);
        named.push(format!("{:?} of tenant {:?} to {:?}", text(0)?, text(1)?, text(2)?));
    }
    let Some(first) = found.first() else { return Ok(None) };
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

/// Who refers to nothing, from which tenant, to which id, and how many they are.
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
