//! The Export method: streams a snapshot at the speed of its reader.

use super::format::{self, Format};
use super::{CHUNK_BYTES, EXPORT_MEMORY, LONGEST_EXPORT, PATIENCE};
use crate::clock::now;
use crate::state::Records;
use crate::table::Table;
use crate::transfer_slots::Slot;
use crate::tx_error::TxError;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::stream::{BoxStream, unfold};
use futures_util::{StreamExt as _, TryStreamExt as _};
use groundplan_chassis::database::{Sql, database_error, row_stream};
use groundplan_error::{Error, Reason};
use groundplan_identity::Principal;
use groundplan_proto::records::v1::{ExportRequest, ExportResponse, ExportSummary};
use groundplan_query::row;
use groundplan_query::{Compiled, Layout, Part, Selection};
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// The number of messages that wait for the reader.
const WAITING: usize = 4;

/// The messages of an export.
pub(crate) type Messages = BoxStream<'static, Result<ExportResponse, Error>>;

/// Starts an export in a task that is aborted when the stream is dropped.
///
/// # Errors
/// Violations of the request, `RATE_LIMITED`, `MEMORY_EXHAUSTED`, `DATABASE_UNAVAILABLE`.
pub(crate) async fn export(records: Records, caller: Principal, request: ExportRequest) -> Result<Messages, Error> {
    let format = Format::of(request.format, "format")?;
    let served = records.served()?;
    let table = served.named(&request.model, "model")?.clone();
    let compiled = served.query(&table.model, &request.filter, "")?;
    let slot = records.transfers().take(records.memory(), EXPORT_MEMORY)?;
    let connection = records.database().dedicated().await?;
    let (sender, messages) = channel(WAITING);
    let task = ExportTask { records, caller, table, compiled, format, sender, _slot: slot };
    let task = AbortOnDropHandle::new(tokio::spawn(task.run(connection)));
    Ok(unfold(Some((messages, task)), next).boxed())
}

type Task = AbortOnDropHandle<Result<(), Error>>;

/// Returns the next message, and after the last one the error of the task.
async fn next(
    state: Option<(Receiver<ExportResponse>, Task)>,
) -> Option<(Result<ExportResponse, Error>, Option<(Receiver<ExportResponse>, Task)>)> {
    let (mut messages, task) = state?;
    if let Some(message) = messages.recv().await {
        return Some((Ok(message), Some((messages, task))));
    }
    match task.await.map_err(Error::internal) {
        Ok(Ok(())) => None,
        Ok(Err(error)) | Err(error) => Some((Err(error), None)),
    }
}

/// A running export.
struct ExportTask {
    records: Records,
    caller: Principal,
    table: Arc<Table>,
    compiled: Arc<Compiled>,
    format: Format,
    sender: Sender<ExportResponse>,
    _slot: Slot,
}

impl ExportTask {
    async fn run(self, mut connection: AsyncPgConnection) -> Result<(), Error> {
        // The statement takes as long as its reader. PostgreSQL cancels it even if this process is gone.
        let prepare = format!("SET statement_timeout = '{}s'", (LONGEST_EXPORT + PATIENCE).as_secs());
        connection.batch_execute(&prepare).await.map_err(database_error)?;
        let stop = self.records.stop().clone();
        let work = async |connection: &mut AsyncPgConnection| self.rows(connection).await;
        let mut transaction = connection.build_transaction().repeatable_read().read_only();
        match stop.run_until_cancelled(timeout(LONGEST_EXPORT, transaction.run(work))).await {
            Some(Ok(exported)) => exported.map_err(TxError::into_error),
            Some(Err(_)) => Err(too_long()),
            None => Err(Error::new(Reason::NotReady, "the server is stopping; export again")),
        }
    }

    /// Sends all rows.
    async fn rows(&self, connection: &mut AsyncPgConnection) -> Result<(), TxError> {
        let model = &self.table.model;
        let layout = Layout::new(model, &self.compiled, &self.table.columns, false);
        let (tenant, compiled) = (&self.caller.tenant, &self.compiled);
        let selection = Selection { model, tenant, compiled, parent: None, now: now()?, with_deleted: true };
        let builder = selection.page(&layout, &Part { limit: i64::MAX, ..Part::default() });
        let sql = Sql::once(builder.text());
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        format::write_head(model, self.format, &mut chunk);
        let mut records = 0;
        let mut rows = row_stream(connection, &sql, builder.binds()).await?;
        while let Some(row) = rows.try_next().await? {
            let record = row::record(model, layout.columns, &row, 1)?;
            let held = self.records.memory().hold(2 * record.memory())?;
            let stored = self.table.show(record, row::version(&row)?);
            format::write(model, self.format, &stored.record, &mut chunk)?;
            drop(held);
            records += 1;
            if chunk.len() >= CHUNK_BYTES {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_BYTES));
                self.send(ExportResponse { chunk: full, summary: None }).await?;
            }
        }
        self.send(ExportResponse { chunk, summary: Some(ExportSummary { records }) }).await?;
        Ok(())
    }

    /// Sends a message.
    ///
    /// # Errors
    /// `DEADLINE_EXCEEDED` if the reader does not take it in time, `CANCELLED` if the reader is gone.
    async fn send(&self, message: ExportResponse) -> Result<(), Error> {
        match timeout(PATIENCE, self.sender.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Error::new(Reason::Cancelled, "the reader of the export went away")),
            Err(_) => {
                let message = format!(
                    "the export was not read for {} seconds, and its snapshot expired; export again, and read faster",
                    PATIENCE.as_secs()
                );
                Err(Error::new(Reason::DeadlineExceeded, message))
            }
        }
    }
}

/// Returns the error of an export that takes too long.
fn too_long() -> Error {
    let message = format!(
        "the export took longer than {} minutes, and its snapshot expired; export it in parts, with filters",
        LONGEST_EXPORT.as_secs() / 60
    );
    Error::new(Reason::DeadlineExceeded, message)
}
