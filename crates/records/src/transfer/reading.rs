//! Reads an import: converts the messages of the call to parts.

use super::format::Reader;
use super::header::Header;
use super::part::{Part, PartBuilder};
use super::progress::{Progress, other_import};
use super::row_error::RowError;
use super::rows::{Row, Rows};
use super::written::Written;
use super::{MAX_ATOMIC_BYTES, MAX_ATOMIC_ROWS, PATIENCE};
use crate::call::Call;
use crate::clock::now;
use crate::operations::{Origin, complete};
use crate::transfer_slots::RETRY_DELAY;
use bytes::Bytes;
use groundplan_budget::{Budget, DEFAULT};
use groundplan_chassis::layers::from_tonic_status;
use groundplan_error::{Error, Reason};
use groundplan_proto::records::v1::ImportRequest;
use groundplan_proto::records::v1::import_request;
use groundplan_query::id::Id;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::Sender;
use tokio::task::yield_now;
use tokio::time::timeout;
use tonic::Streaming;

/// The number of rows after which other tasks can run.
const ROWS_PER_TURN: i64 = 200;

/// A message from the reader to the loader.
pub(crate) enum LoaderMessage {
    Part(Part),
    /// The end of the import: the number of rows, and their digest.
    End(i64, Vec<u8>),
}

/// The reader of one import.
pub(crate) struct Reading<'a> {
    pub(crate) call: Call<'a>,
    pub(crate) header: &'a Header,
    /// The progress of earlier calls.
    pub(crate) before: &'a Progress,
    pub(crate) parts: Sender<LoaderMessage>,
}

/// The state of a reader.
struct State {
    reader: Reader,
    part: PartBuilder,
    /// The number of rows so far, and their digest if the import can be resumed.
    done: i64,
    digest: Option<Sha256>,
    bytes: usize,
    /// The start of the part, in microseconds since the Unix epoch: the version of its rows.
    time: i64,
}

impl Reading<'_> {
    /// Reads the call to its end. Stops without an error if the loader is gone, which reports the cause.
    pub(crate) async fn run(self, mut messages: Streaming<ImportRequest>) -> Result<(), Error> {
        let mut rows = Rows::new(self.header.format.framing(), self.call.records.settings().max_message_bytes);
        let mut state = State {
            reader: Reader::new(self.header.format),
            part: PartBuilder::default(),
            done: 0,
            digest: (!self.header.import_id.is_empty()).then(Sha256::new),
            bytes: 0,
            time: now()?,
        };
        loop {
            let chunk = next_chunk(&self.call, &mut messages).await?;
            let is_end = chunk.is_none();
            match chunk {
                Some(chunk) => {
                    state.bytes += chunk.len();
                    self.check_size(&state)?;
                    rows.feed(chunk);
                }
                None => rows.finish(),
            }
            while let Some(row) = rows.next()? {
                self.row(&mut state, &row)?;
                if state.done % ROWS_PER_TURN == 0 {
                    yield_now().await;
                }
                if state.part.is_full() && !self.send(&mut state).await? {
                    return Ok(());
                }
            }
            if is_end {
                break;
            }
        }
        self.check_resumed(&state, true)?;
        if !state.part.is_empty() && !self.send(&mut state).await? {
            return Ok(());
        }
        // If the loader is gone, it reports the cause.
        let _ = self.parts.send(LoaderMessage::End(state.done, digest(&state))).await;
        Ok(())
    }

    /// Processes a row.
    fn row(&self, state: &mut State, row: &Row<'_>) -> Result<(), Error> {
        let model = &self.call.table.model;
        if let Some(digest) = &mut state.digest {
            let content = row.content.as_ref().copied().unwrap_or_default();
            digest.update((content.len() as u64).to_le_bytes());
            digest.update(content);
        }
        if state.reader.expects_names() {
            return state.reader.names(model, row);
        }
        state.done += 1;
        if state.done <= self.before.rows {
            return self.check_resumed(state, false);
        }
        self.check_size(state)?;
        match self.record(state, row) {
            Ok(()) => {}
            Err(row_errors) if row_errors.iter().any(|row_error| row_error.fatal_reason.is_some()) => {
                return Err(fatal_error(row_errors));
            }
            Err(row_errors) => state.part.reject(row.line, row_errors),
        }
        Ok(())
    }

    /// Adds the record of a row to the part.
    ///
    /// # Errors
    /// The errors of an invalid row.
    fn record(&self, state: &mut State, row: &Row<'_>) -> Result<(), Vec<RowError>> {
        let model = &self.call.table.model;
        let budget = Budget::for_request(DEFAULT, self.call.records.memory(), None);
        let record = state.reader.record(model, row, &budget).map_err(|row_error| vec![row_error])?;
        let has_created_at = model.roles.created_at.is_some_and(|field| record.get(field).is_some());
        let row_errors = |error: Error| RowError::of_error(&error);
        let model = &self.call.table.model;
        let id = Id::for_create(model, record.get(model.roles.id)).map_err(row_errors)?;
        let record = complete(&self.call, record, &id, Origin::Import, state.time).map_err(row_errors)?;
        let written = Written::created(&self.call, &record, state.time, has_created_at);
        state.part.add(&self.call, row.line, &record, &written).map_err(row_errors)
    }

    /// Sends the part. Returns whether the loader took it.
    async fn send(&self, state: &mut State) -> Result<bool, Error> {
        let part = state.part.take(state.done, digest(state));
        let is_taken = self.parts.send(LoaderMessage::Part(part)).await.is_ok();
        state.time = now()?.max(state.time + 1);
        Ok(is_taken)
    }

    /// Checks the limits of an import in one transaction.
    fn check_size(&self, state: &State) -> Result<(), Error> {
        let rows = usize::try_from(state.done).unwrap_or(usize::MAX);
        if !self.header.is_atomic() || (rows <= MAX_ATOMIC_ROWS && state.bytes <= MAX_ATOMIC_BYTES) {
            return Ok(());
        }
        let (kind, alternative) = match self.header.validate_only {
            true => ("is checked only", ""),
            false => ("is all or nothing", ", or let ON_ERROR_SKIP load it in parts"),
        };
        let message = format!(
            "nothing was loaded: an import that {kind} can have {MAX_ATOMIC_ROWS} rows and {} MiB; split it up{alternative}",
            MAX_ATOMIC_BYTES >> 20
        );
        let error = Error::new(Reason::TooLarge, message);
        Err(error.with("mostRows", MAX_ATOMIC_ROWS.to_string()).with("mostBytes", MAX_ATOMIC_BYTES.to_string()))
    }

    /// Checks that the first rows are those of the earlier call.
    fn check_resumed(&self, state: &State, is_end: bool) -> Result<(), Error> {
        let before = self.before;
        let is_short = is_end && state.done < before.rows;
        let is_long = before.is_complete && state.done > before.rows;
        let is_other = before.rows > 0 && state.done == before.rows && digest(state) != before.digest;
        if is_short || is_long || is_other { Err(other_import("the rows were different")) } else { Ok(()) }
    }
}

/// Returns the error of an import without memory for a row. Callers can retry it.
fn fatal_error(row_errors: Vec<RowError>) -> Error {
    let row_error = row_errors.into_iter().find(|row_error| row_error.fatal_reason.is_some());
    let (reason, message) = row_error.map_or((Reason::Internal, String::new()), |row_error| {
        (row_error.fatal_reason.unwrap_or(Reason::Internal), row_error.message)
    });
    Error::new(reason, message).retry_after(RETRY_DELAY)
}

/// Returns the digest of the rows so far; empty if the import cannot be resumed.
fn digest(state: &State) -> Vec<u8> {
    state.digest.clone().map(|digest| digest.finalize().to_vec()).unwrap_or_default()
}

/// Returns the error of a stream without a next message: of the message, or `CANCELLED` if the caller is gone.
pub(super) fn stream_error(status: tonic::Status) -> Error {
    from_tonic_status(&status)
        .or_else(|| Error::of_status(&status))
        .unwrap_or_else(|| Error::new(Reason::Cancelled, "the stream of the import was interrupted").caused_by(status))
}

/// Returns the next bytes; `None` at the end.
///
/// # Errors
/// `DEADLINE_EXCEEDED` if no bytes arrive in time, `NOT_READY` if the server stops.
async fn next_chunk(call: &Call<'_>, messages: &mut Streaming<ImportRequest>) -> Result<Option<Bytes>, Error> {
    let next = tokio::select! {
        next = timeout(PATIENCE, messages.message()) => next,
        () = call.records.stop().cancelled() => {
            return Err(Error::new(Reason::NotReady, "the server is stopping; send the import again"));
        }
    };
    let next = next.map_err(|_| {
        let message = format!("no chunk of the import arrived for {} seconds", PATIENCE.as_secs());
        Error::new(Reason::DeadlineExceeded, message)
    })?;
    match next.map_err(stream_error)? {
        None => Ok(None),
        Some(ImportRequest { part: Some(import_request::Part::Chunk(chunk)) }) => Ok(Some(chunk.into())),
        Some(_) => {
            Err(Error::field("header", "import", "must be in the first message only, and a chunk in each other one"))
        }
    }
}
