//! What is wrong with rows among each other, and with what is there: by statements over all of them.

use super::failure::Ended;
use super::fault::Fault;
use super::load::Loading;
use super::report::{Report, Reporting as _};
use super::staging::{REMOVE, SUPERSEDE};
use crate::visibility::can_hide_records;
use groundplan_error::{Error, Reason};
use groundplan_model::shape::FieldId;
use groundplan_proto::records::v1::OnConflict;
use std::collections::{BTreeMap, HashSet};

/// The refusal of a part that others came before.
pub(crate) fn overtaken() -> Ended {
    let words = "concurrent writes created records with ids of the import; try again";
    Ended::Met(Error::new(Reason::RecordBusy, words))
}

/// Leaves bad and skipped rows out of staging; gives how many are left.
pub(crate) async fn check(loading: &Loading<'_>, rows: usize, report: &mut Report) -> Result<i64, Ended> {
    let mut checks = Checks { loading, left: i64::try_from(rows).unwrap_or(i64::MAX), faults: BTreeMap::new() };
    let conflict = loading.header.on_conflict;
    if conflict != OnConflict::Replace {
        checks.ids(&loading.staging.taken, report, "exists already").await?;
        checks.ids(&loading.staging.doubled, report, "is also the id of an earlier row").await?;
    }
    let mut superseded = Vec::new();
    // A row that is left out may be what another one refers to, or what another one clashed with.
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
    for (line, faults) in checks.faults {
        report.fail(u64::try_from(line).unwrap_or_default(), faults);
    }
    Ok(checks.left)
}

struct Checks<'a, 'b> {
    loading: &'a Loading<'b>,
    /// How many rows are left.
    left: i64,
    /// By line.
    faults: BTreeMap<i64, Vec<Fault>>,
}

impl Checks<'_, '_> {
    /// Leaves out rows by their ids: they are bad, or skipped.
    async fn ids(&mut self, sql: &str, report: &mut Report, words: &str) -> Result<(), Ended> {
        let found = self.find(sql).await?;
        let lines: Vec<i64> = found.iter().map(|(line, _)| *line).collect();
        let removed = self.remove(&lines).await?;
        if self.loading.header.on_conflict == OnConflict::Skip {
            report.skipped += removed;
            return Ok(());
        }
        let field = self.name(self.loading.call.table.model.roles.id);
        for (line, id) in found {
            self.fail(line, Fault::field(&field, "id", format!("{id:?} {words}")));
        }
        Ok(())
    }

    /// Marks the rows that a later row with the same id replaces.
    async fn supersede(&mut self, before: Vec<i64>) -> Result<Vec<i64>, Ended> {
        let lines: Vec<i64> =
            self.find(&self.loading.staging.superseded).await?.into_iter().map(|(line, _)| line).collect();
        if lines != before {
            self.loading.client.execute(SUPERSEDE, &[&lines]).await?;
        }
        Ok(lines)
    }

    /// Finds rows that refer to what is not there.
    async fn references(&mut self) -> Result<Vec<i64>, Ended> {
        let model = &self.loading.call.table.model;
        let mut bad = HashSet::new();
        for (field, sql) in &self.loading.staging.references {
            let target = model.reference(*field).map_or("", |reference| reference.target.as_str());
            let is_gone = self.loading.call.related(target).is_ok_and(|target| can_hide_records(&target.model));
            let what = if is_gone { "which does not exist or is deleted" } else { "which does not exist" };
            for (line, id) in self.find(sql).await? {
                bad.insert(line);
                let words = format!("refers to {target} {id:?}, {what}");
                self.fail(line, Fault::field(&self.name(*field), "references", words));
            }
        }
        Ok(bad.into_iter().collect())
    }

    /// Finds rows that have the values of others.
    async fn uniques(&mut self) -> Result<Vec<i64>, Ended> {
        let mut bad = HashSet::new();
        for (fields, sql) in &self.loading.staging.uniques {
            let names: Vec<String> = fields.iter().map(|field| self.name(*field)).collect();
            for (line, _) in self.find(sql).await? {
                bad.insert(line);
                let words = "must be unique: another record, or an earlier row, has the same";
                self.fail(line, Fault::field(&names.join(","), "unique", words));
            }
        }
        Ok(bad.into_iter().collect())
    }

    /// Lines, each with a value for people.
    async fn find(&self, sql: &str) -> Result<Vec<(i64, String)>, Ended> {
        let found = self.loading.client.query(sql, &[&self.loading.call.principal.tenant]).await?;
        Ok(found.iter().map(|row| (row.get(0), row.get::<_, Option<String>>(1).unwrap_or_default())).collect())
    }

    /// Leaves lines out of staging; gives how many.
    async fn remove(&mut self, lines: &[i64]) -> Result<i64, Ended> {
        if lines.is_empty() {
            return Ok(0);
        }
        let removed = self.loading.client.execute(REMOVE, &[&lines]).await?;
        let removed = i64::try_from(removed).unwrap_or(i64::MAX);
        self.left -= removed;
        Ok(removed)
    }

    fn fail(&mut self, line: i64, fault: Fault) {
        self.faults.entry(line).or_default().push(fault);
    }

    fn name(&self, field: FieldId) -> String {
        self.loading.call.table.model.shape().field(field).name.clone()
    }
}
