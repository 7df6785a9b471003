//! The Import method, from its header to its response.

use super::header::Header;
use super::part_error::PartError;
use super::progress::Progress;
use super::reading::{Reading, stream_error};
use super::report::Report;
use super::session::ImportSession;
use super::staging::Staging;
use super::{IMPORT_MEMORY, PATIENCE};
use crate::call::Call;
use crate::state::Records;
use groundplan_budget::Budget;
use groundplan_chassis::spawn_scoped::spawn_scoped;
use groundplan_error::{Error, Reason};
use groundplan_identity::Principal;
use groundplan_proto::records::v1::import_request::Part;
use groundplan_proto::records::v1::{ImportRequest, ImportResponse};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::Streaming;

/// The number of parts that wait for the loader, in addition to the loading part and the part being read.
const WAITING: usize = 1;

/// Loads the rows of a call.
///
/// # Errors
/// Those of the reader and of the loader, with `rowsLoaded`.
pub(crate) async fn import(
    records: Records,
    caller: Principal,
    mut messages: Streaming<ImportRequest>,
) -> Result<ImportResponse, Error> {
    let missing = || Error::field("header", "required", "must be in the first message");
    let first = timeout(PATIENCE, messages.message()).await.map_err(|_| missing())?;
    let first = first.map_err(stream_error)?.ok_or_else(missing)?;
    let Some(Part::Header(header)) = first.part else { return Err(missing()) };
    let header = Arc::new(Header::read(header)?);
    let served = records.served()?;
    let table = served.named(&header.model, "header.model")?.clone();
    let _slot = records.transfers().take(records.memory(), IMPORT_MEMORY)?;
    let client = records.database().dedicated_client().await?;
    let progress = Progress::begin(&client, &caller, &header).await?;
    let before = progress.clone();
    let (sender, parts) = mpsc::channel(WAITING);
    let reading = {
        let (records, caller, served, table, header) =
            (records.clone(), caller.clone(), served.clone(), table.clone(), header.clone());
        async move {
            let call = Call { records: &records, principal: &caller, budget: Budget::default(), served, table };
            Reading { call, header: &header, before: &before, parts: sender }.run(messages).await
        }
    };
    let loading = async move {
        let call = Call { records: &records, principal: &caller, budget: Budget::default(), served, table };
        let staging = Staging::new(&call)?;
        client.batch_execute(&staging.prepare).await.map_err(|failure| PartError::from(failure).into_error())?;
        // PostgreSQL accepts references to soft-deleted records.
        let is_careful = header.is_atomic() || call.table.refers_to_hidden;
        let mut session = ImportSession { call, header: &header, client, staging, progress, is_careful, events: 0 };
        let loaded = session.run(parts).await;
        loaded.map(|report| (report, session.progress))
    };
    let (read, loaded) = tokio::join!(spawn_scoped(reading), spawn_scoped(loading));
    finish(read, loaded)
}

/// Returns the response from the results of both tasks.
fn finish(read: Result<(), Error>, loaded: Result<(Option<Report>, Progress), Error>) -> Result<ImportResponse, Error> {
    // If the loader failed, the reader only stopped.
    let (report, progress) = loaded?;
    match (read, report) {
        (Err(error), _) => Err(error.with("rowsLoaded", progress.rows.to_string())),
        (Ok(()), Some(report)) => Ok(report),
        (Ok(()), None) => Err(Error::new(Reason::Internal, "the import stopped early")),
    }
}
