//! Loads the parts of an import into the table and the event log.

use super::changes::{self, Replaced};
use super::checks;
use super::part::{Batch, Part};
use super::part_error::{PartError, overtaken};
use super::progress::Progress;
use super::reading::Sent;
use super::report::{Report, Reporting as _};
use super::row_error::RowError;
use super::session::ImportSession;
use super::staging::EMPTY;
use groundplan_error::Error;
use groundplan_proto::records::v1::OnConflict;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

/// How often a part is tried that meets others.
const ATTEMPTS: u32 = 8;

/// The pause before the second attempt; each later one is longer by as much.
const PAUSE: Duration = Duration::from_millis(20);

impl ImportSession<'_> {
    /// Loads what comes, to its end. None if the reader broke off.
    pub(crate) async fn run(&mut self, mut parts: Receiver<Sent>) -> Result<Option<Report>, Error> {
        if self.header.is_atomic() && !self.progress.is_complete {
            self.run_sql("BEGIN").await.map_err(PartError::into_error)?;
        }
        while let Some(sent) = parts.recv().await {
            match sent {
                Sent::Part(part) => self.part(part).await?,
                Sent::End(rows, digest) => {
                    if let Err(ended) = self.end(rows, digest).await {
                        ended.note(self.call.records);
                        return Err(ended.into_error());
                    }
                    return Ok(Some(self.progress.report.clone()));
                }
            }
        }
        Ok(None)
    }

    /// Loads a part: in the transaction of all of them, or in its own.
    async fn part(&mut self, part: Part) -> Result<(), Error> {
        let loaded = if self.header.is_atomic() { self.part_of_all(&part).await } else { self.part_alone(&part).await };
        loaded.map_err(|ended| {
            ended.note(self.call.records);
            self.explained(ended.into_error())
        })
    }

    async fn part_of_all(&mut self, part: &Part) -> Result<(), PartError> {
        let mut report = self.batch(&part.batch).await?;
        report.add(part.report.clone());
        // Every row of the batch counts as read in the part.
        self.progress.report.add(report);
        if !self.header.skips_errors && self.progress.report.failed > 0 {
            return Err(PartError::Failed(self.progress.report.refusal()));
        }
        Ok(())
    }

    async fn part_alone(&mut self, part: &Part) -> Result<(), PartError> {
        for attempt in 1..=ATTEMPTS {
            let tried = if self.is_careful { self.try_carefully(part).await } else { self.try_fast(part).await };
            match tried {
                Ok(progress) => {
                    self.progress = progress;
                    self.call.records.log().appended();
                    return Ok(());
                }
                Err(PartError::Conflict(_) | PartError::Rejected(..)) if attempt < ATTEMPTS => {
                    self.run_sql("ROLLBACK").await?;
                    self.is_careful = true;
                    tokio::time::sleep(PAUSE * (attempt - 1)).await;
                }
                Err(ended) => return Err(ended),
            }
        }
        Err(PartError::Failed(Error::internal("a part has no attempt left, and none has failed")))
    }

    /// Writes all rows of a part as if none were bad, and finds out that it is so.
    async fn try_fast(&mut self, part: &Part) -> Result<Progress, PartError> {
        self.run_sql("BEGIN").await?;
        self.stage(&self.staging.copy_rows, part.batch.bytes()).await?;
        let created = self.execute(&self.staging.insert, &[]).await?;
        let rows = i64::try_from(part.batch.len()).unwrap_or(i64::MAX);
        if created != rows {
            return Err(overtaken());
        }
        let report = Report { created, ..Report::default() };
        let after = self.save(part, report).await?;
        if rows > 0 {
            self.execute(&self.staging.append, &[&self.call.table.model.full_name, &rows]).await?;
        }
        self.run_sql("COMMIT").await?;
        Ok(after)
    }

    /// Looks at each row of a part, and writes the good ones.
    async fn try_carefully(&mut self, part: &Part) -> Result<Progress, PartError> {
        self.run_sql("BEGIN").await?;
        self.events = 0;
        let report = self.batch(&part.batch).await?;
        let after = self.save(part, report).await?;
        self.append_kept().await?;
        self.run_sql("COMMIT").await?;
        Ok(after)
    }

    /// Loads a batch in the transaction that is open. What the database itself refuses is found by halves.
    async fn batch(&mut self, batch: &Batch) -> Result<Report, PartError> {
        let mut report = Report::default();
        let mut open = vec![batch.clone()];
        while let Some(batch) = open.pop() {
            self.run_sql("SAVEPOINT batch").await?;
            match self.rows(&batch).await {
                Ok((loaded, events)) => {
                    self.run_sql("RELEASE batch").await?;
                    report.add(loaded);
                    self.events += events;
                }
                Err(PartError::Rejected(message, _)) => {
                    self.run_sql("ROLLBACK TO batch").await?;
                    match batch.split() {
                        Some((first, second)) => open.extend([second, first]),
                        None => report.fail(batch.line(), vec![RowError::whole("database", refused(&message))]),
                    }
                }
                Err(ended) => return Err(ended),
            }
        }
        Ok(report)
    }

    /// Loads rows; gives what has become of them, and how many events they have.
    async fn rows(&self, batch: &Batch) -> Result<(Report, i64), PartError> {
        if batch.len() == 0 {
            return Ok((Report::default(), 0));
        }
        self.run_sql(EMPTY).await?;
        self.stage(&self.staging.copy_rows, batch.bytes()).await?;
        let mut report = Report::default();
        let left = checks::check(self, batch.len(), &mut report).await?;
        let replaced = match self.header.on_conflict {
            OnConflict::Replace => changes::replace(self, &mut report).await?,
            _ => Replaced::default(),
        };
        report.replaced += replaced.changed + replaced.same;
        report.created = self.execute(&self.staging.insert, &[]).await?;
        let changed = report.created + replaced.changed;
        // Rows that were refused when they met the record that they replace are gone from staging.
        if self.execute(&self.staging.keep_events, &[]).await? != changed
            || (replaced.changed + replaced.same == 0 && report.created != left)
        {
            return Err(overtaken());
        }
        Ok((report, changed))
    }

    /// Ends the import.
    async fn end(&mut self, rows: i64, digest: Vec<u8>) -> Result<(), PartError> {
        if self.progress.is_complete {
            return Ok(());
        }
        let before = self.progress.rows;
        let after = Progress { rows, digest, report: self.progress.report.clone(), is_complete: true };
        after.save(&self.client, self.call.principal, self.header, before).await?;
        if self.header.is_atomic() {
            self.append_kept().await?;
            self.run_sql(if self.header.validate_only { "ROLLBACK" } else { "COMMIT" }).await?;
            self.call.records.log().appended();
        }
        self.progress = after;
        Ok(())
    }

    /// Notes how far the import is with a part, of whose good rows this has become.
    async fn save(&self, part: &Part, mut report: Report) -> Result<Progress, PartError> {
        let mut all = self.progress.report.clone();
        report.add(part.report.clone());
        all.add(report);
        let after = Progress { rows: part.done, digest: part.digest.clone(), report: all, is_complete: false };
        after.save(&self.client, self.call.principal, self.header, self.progress.rows).await?;
        Ok(after)
    }

    async fn append_kept(&self) -> Result<(), PartError> {
        if self.events > 0 {
            self.execute(&self.staging.append_kept, &[&self.call.table.model.full_name, &self.events]).await?;
        }
        Ok(())
    }

    /// Adds to a refusal what is loaded, where parts before are.
    fn explained(&self, error: Error) -> Error {
        error.with("rowsLoaded", self.progress.rows.to_string())
    }
}

fn refused(message: &str) -> String {
    format!("is rejected by the database: {message}")
}
