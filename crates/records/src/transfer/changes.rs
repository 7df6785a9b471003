//! Rows that replace records: reads each record, and writes its new state with an event.

use super::part_error::{PartError, overtaken};
use super::report::{Report, Reporting as _};
use super::row_error::RowError;
use super::session::ImportSession;
use super::staging::{REMOVE, REMOVE_REPLACED};
use super::written::Written;
use super::{MAX_PART_BYTES, part};
use crate::change::Change;
use crate::operations::check;
use bytes::Bytes;
use diesel::QueryResult;
use groundplan_codec::Record;
use groundplan_error::Error;
use groundplan_proto::watch::v1::ChangeKind;
use groundplan_query::row::{self, Cells};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

/// Reads some of the replaced records. Records can be large.
const FETCH: &str = "FETCH 100 FROM replaced";

/// The columns of the cursor before those of the record.
const OWN_COLUMNS: usize = 4;

/// The numbers of replaced records.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Replaced {
    pub(crate) changed: i64,
    /// The number of records that equal their rows. They get no new version and no event.
    pub(crate) same: i64,
}

/// The effect of a row on the record with its id.
enum Outcome {
    Changed,
    Same,
    Bad(Vec<RowError>),
}

/// Replaces the records with the ids of rows, and removes those rows from the staging table.
pub(crate) async fn replace(session: &ImportSession<'_>, report: &mut Report) -> Result<Replaced, PartError> {
    session.execute(&session.staging.replaced, &[]).await?;
    let mut bytes = Vec::new();
    let (mut replaced, mut done) = (Replaced::default(), Vec::new());
    loop {
        let rows = session.client.query(FETCH, &[]).await?;
        for row in &rows {
            let line: i64 = row.get(0);
            match change(session, line, &Raw(row), &mut bytes)? {
                Outcome::Changed => replaced.changed += 1,
                Outcome::Same => {
                    done.push(line);
                    replaced.same += 1;
                }
                Outcome::Bad(row_errors) => {
                    done.push(line);
                    report.fail(u64::try_from(line).unwrap_or_default(), row_errors);
                }
            }
        }
        if rows.is_empty() || bytes.len() >= MAX_PART_BYTES {
            session.stage(&session.staging.copy_changes, &Bytes::from(std::mem::take(&mut bytes))).await?;
        }
        if rows.is_empty() {
            break;
        }
    }
    session.run_sql("CLOSE replaced").await?;
    if !done.is_empty() {
        session.client.execute(REMOVE, &[&done]).await?;
    }
    if replaced.changed > 0 {
        if session.execute(&session.staging.update, &[]).await? != replaced.changed {
            return Err(overtaken());
        }
        session.client.execute(REMOVE_REPLACED, &[]).await?;
    }
    Ok(replaced)
}

/// Adds the new state of a record to `out`.
fn change(session: &ImportSession<'_>, line: i64, row: &Raw<'_>, out: &mut Vec<u8>) -> Result<Outcome, Error> {
    let call = &session.call;
    let model = &call.table.model;
    let read = |failure: tokio_postgres::Error| Error::internal(failure);
    let payload: &[u8] = row.0.try_get(1).map_err(read)?;
    let has_created_at: bool = row.0.try_get(2).map_err(read)?;
    let version: i64 = row.0.try_get(3).map_err(read)?;
    let before = row::record_of(model, &call.table.columns, row, OWN_COLUMNS)?;
    let kind = i16::try_from(ChangeKind::Created as i32).unwrap_or_default();
    let change = Change::of_payload(model, kind, Bytes::copy_from_slice(payload))?;
    let mut after = change.after.ok_or_else(|| Error::internal("a row of staging has no record"))?;
    let kept = keep(session, &before, &mut after, has_created_at);
    if after == before {
        return Ok(Outcome::Same);
    }
    // Kept values can violate rules together with new values.
    if kept && let Err(error) = check(call, &after) {
        return Ok(Outcome::Bad(RowError::of_error(&error)));
    }
    let written = Written::updated(call, &before, &after, version)?;
    part::encode(call, u64::try_from(line).unwrap_or_default(), &after, &written, out)?;
    Ok(Outcome::Changed)
}

/// Keeps the input-only fields, which exports omit, and the creation time if the row has none. Returns whether it kept an
/// input-only field.
fn keep(session: &ImportSession<'_>, before: &Record, after: &mut Record, has_created_at: bool) -> bool {
    let model = &session.call.table.model;
    if let Some(field) = model.roles.created_at.filter(|_| !has_created_at) {
        after.set(field, before.get(field).cloned());
    }
    let mut kept = false;
    for (id, field) in model.shape().iter() {
        if field.behavior.input_only && after.get(id).is_none() && before.get(id).is_some() {
            after.set(id, before.get(id).cloned());
            kept = true;
        }
    }
    kept
}

/// A row of tokio-postgres, which is read like Diesel's rows.
struct Raw<'a>(&'a Row);

/// The bytes of a column of any type.
struct Value<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(bytes))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Cells for Raw<'_> {
    fn cell<R>(&self, column: usize, read: impl FnOnce(Option<&[u8]>) -> R) -> QueryResult<R> {
        let value: Option<Value<'_>> =
            self.0.try_get(column).map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
        Ok(read(value.map(|value| value.0)))
    }
}
