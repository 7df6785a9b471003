//! Checks rows against each other and against stored records, with statements over all rows.

use super::part_error::PartError;
use super::report::{Report, Reporting as _};
use super::row_error::RowError;
use super::session::ImportSession;
use super::staging::{REMOVE, SUPERSEDE};
use groundplan_model::shape::FieldId;
use groundplan_proto::records::v1::OnConflict;
use groundplan_query::visibility::can_hide_records;
use std::collections::{BTreeMap, HashSet};

/// Removes invalid and skipped rows from the staging table. Returns the number of remaining rows.
pub(crate) async fn check(session: &ImportSession<'_>, rows: usize, report: &mut Report) -> Result<i64, PartError> {
    let mut checks =
        Checks { session, remaining: i64::try_from(rows).unwrap_or(i64::MAX), row_errors: BTreeMap::new() };
    let conflict = session.header.on_conflict;
    if conflict != OnConflict::Replace {
        checks.ids(&session.staging.taken, report, "exists already").await?;
        checks.ids(&session.staging.doubled, report, "is also the id of an earlier row").await?;
    }
    let mut superseded = Vec::new();
    // Other rows can refer to a removed row, or conflict with it.
    loop {
        if conflict == OnConflict::Replace {
            superseded = checks.supersede(superseded).await?;
        }
        let mut bad = checks.references().await?;
        if bad.is_empty() {
            bad = checks.uniques().await?;
        }
        if bad.is_empty() {
            break;
        }
        checks.remove(&bad).await?;
    }
    report.replaced += checks.remove(&superseded).await?;
    for (line, row_errors) in checks.row_errors {
        report.fail(u64::try_from(line).unwrap_or_default(), row_errors);
    }
    Ok(checks.remaining)
}

struct Checks<'a, 'b> {
    session: &'a ImportSession<'b>,
    /// The number of remaining rows.
    remaining: i64,
    /// The errors by line.
    row_errors: BTreeMap<i64, Vec<RowError>>,
}

impl Checks<'_, '_> {
    /// Removes rows with existing ids, as invalid or skipped rows.
    async fn ids(&mut self, sql: &str, report: &mut Report, message: &str) -> Result<(), PartError> {
        let found = self.find(sql).await?;
        let lines: Vec<i64> = found.iter().map(|(line, _)| *line).collect();
        let removed = self.remove(&lines).await?;
        if self.session.header.on_conflict == OnConflict::Skip {
            report.skipped += removed;
            return Ok(());
        }
        let field = self.name(self.session.call.table.model.roles.id);
        for (line, id) in found {
            self.fail(line, RowError::field(&field, "id", format!("{id:?} {message}")));
        }
        Ok(())
    }

    /// Marks the rows that a later row with the same id replaces.
    async fn supersede(&mut self, before: Vec<i64>) -> Result<Vec<i64>, PartError> {
        let lines: Vec<i64> =
            self.find(&self.session.staging.superseded).await?.into_iter().map(|(line, _)| line).collect();
        if lines != before {
            self.session.client.execute(SUPERSEDE, &[&lines]).await?;
        }
        Ok(lines)
    }

    /// Finds rows that refer to records that do not exist.
    async fn references(&mut self) -> Result<Vec<i64>, PartError> {
        let model = &self.session.call.table.model;
        let mut bad = HashSet::new();
        for (field, sql) in &self.session.staging.references {
            let target = model.reference(*field).map_or("", |reference| reference.target.as_str());
            let can_be_deleted = self.session.call.related(target).is_ok_and(|target| can_hide_records(&target.model));
            let state = if can_be_deleted { "which does not exist or is deleted" } else { "which does not exist" };
            for (line, id) in self.find(sql).await? {
                bad.insert(line);
                let message = format!("refers to {target} {id:?}, {state}");
                self.fail(line, RowError::field(&self.name(*field), "references", message));
            }
        }
        Ok(bad.into_iter().collect())
    }

    /// Finds rows that repeat values of unique indexes.
    async fn uniques(&mut self) -> Result<Vec<i64>, PartError> {
        let mut bad = HashSet::new();
        for (fields, sql) in &self.session.staging.uniques {
            let names: Vec<String> = fields.iter().map(|field| self.name(*field)).collect();
            for (line, _) in self.find(sql).await? {
                bad.insert(line);
                let message = "must be unique: another record, or an earlier row, has the same";
                self.fail(line, RowError::field(&names.join(","), "unique", message));
            }
        }
        Ok(bad.into_iter().collect())
    }

    /// Returns the lines of a query, each with a value for the message.
    async fn find(&self, sql: &str) -> Result<Vec<(i64, String)>, PartError> {
        let found = self.session.client.query(sql, &[&self.session.call.principal.tenant]).await?;
        Ok(found.iter().map(|row| (row.get(0), row.get::<_, Option<String>>(1).unwrap_or_default())).collect())
    }

    /// Removes lines from the staging table. Returns their number.
    async fn remove(&mut self, lines: &[i64]) -> Result<i64, PartError> {
        if lines.is_empty() {
            return Ok(0);
        }
        let removed = self.session.client.execute(REMOVE, &[&lines]).await?;
        let removed = i64::try_from(removed).unwrap_or(i64::MAX);
        self.remaining -= removed;
        Ok(removed)
    }

    fn fail(&mut self, line: i64, row_error: RowError) {
        self.row_errors.entry(line).or_default().push(row_error);
    }

    fn name(&self, field: FieldId) -> String {
        self.session.call.table.model.shape().field(field).name.clone()
    }
}
