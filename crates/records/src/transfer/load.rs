//! Loads the parts of an import into the table and the event log.

use super::changes::{self, Replaced};
use super::checks;
use super::part::{Batch, Part};
use super::part_error::{PartError, overtaken};
use super::progress::Progress;
use super::reading::LoaderMessage;
use super::report::{Report, Reporting as _};
use super::row_error::RowError;
use super::session::ImportSession;
use super::staging::EMPTY;
use groundplan_error::Error;
use groundplan_proto::records::v1::OnConflict;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

/// The number of attempts to load a part that conflicts with other transactions.
const ATTEMPTS: u32 = 8;

/// The pause before the second attempt. Each later pause is longer by the same amount.
const PAUSE: Duration = Duration::from_millis(20);

impl ImportSession<'_> {
    /// Loads parts until the end of the import. Returns `None` if the reader stopped early.
    ///
    /// # Errors
    /// The error of the first part that cannot be loaded, with `rowsLoaded`.
    pub(crate) async fn run(&mut self, mut parts: Receiver<LoaderMessage>) -> Result<Option<Report>, Error> {
        if self.header.is_atomic() && !self.progress.is_complete {
            self.run_sql("BEGIN").await.map_err(PartError::into_error)?;
        }
        while let Some(message) = parts.recv().await {
            match message {
                LoaderMessage::Part(part) => self.part(part).await?,
                LoaderMessage::End(rows, digest) => {
                    if let Err(error) = self.end(rows, digest).await {
                        error.note(self.call.records);
                        return Err(error.into_error());
                    }
                    return Ok(Some(self.progress.report.clone()));
                }
            }
        }
        Ok(None)
    }

    /// Loads a part: in the transaction of the import if it is atomic, otherwise in its own.
    async fn part(&mut self, part: Part) -> Result<(), Error> {
        let loaded = if self.header.is_atomic() { self.part_of_all(&part).await } else { self.part_alone(&part).await };
        loaded.map_err(|error| {
            error.note(self.call.records);
            self.explained(error.into_error())
        })
    }

    async fn part_of_all(&mut self, part: &Part) -> Result<(), PartError> {
        let mut report = self.batch(&part.batch).await?;
        report.add(part.report.clone());
        // Every row of the batch counts as read in the part.
        self.progress.report.add(report);
        if !self.header.skips_errors && self.progress.report.failed > 0 {
            return Err(PartError::Failed(self.progress.report.to_error()));
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
                Err(error) => return Err(error),
            }
        }
        Err(PartError::Failed(Error::internal("all attempts to load a part are used, and none failed")))
    }

    /// Writes all rows of a part without checking them first. Fails if one is invalid.
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

    /// Checks each row of a part and writes the valid ones.
    async fn try_carefully(&mut self, part: &Part) -> Result<Progress, PartError> {
        self.run_sql("BEGIN").await?;
        self.events = 0;
        let report = self.batch(&part.batch).await?;
        let after = self.save(part, report).await?;
        self.append_kept().await?;
        self.run_sql("COMMIT").await?;
        Ok(after)
    }

    /// Loads a batch in the open transaction. Rows that PostgreSQL rejects are found by bisection.
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
                Err(error) => return Err(error),
            }
        }
        Ok(report)
    }

    /// Loads rows. Returns their report and the number of their events.
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
        // Rows that became invalid in combination with the record that they replace are no longer in the staging table.
        if self.execute(&self.staging.keep_events, &[]).await? != changed
            || (replaced.changed + replaced.same == 0 && report.created != left)
        {
            return Err(overtaken());
        }
        Ok((report, changed))
    }

    /// Finishes the import.
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

    /// Saves the progress after a part. `report` is on its valid rows.
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

    /// Adds the number of loaded rows to an error.
    fn explained(&self, error: Error) -> Error {
        error.with("rowsLoaded", self.progress.rows.to_string())
    }
}

fn refused(message: &str) -> String {
    format!("is rejected by the database: {message}")
}
