//! Reading an import: the call's messages to parts.

use super::format::Reader;
use super::header::Header;
use super::part::{Filling, Part};
use super::progress::{Progress, other};
use super::row_error::RowError;
use super::rows::{Row, Rows};
use super::written::Written;
use super::{MAX_ATOMIC_BYTES, MAX_ATOMIC_ROWS, PATIENCE};
use crate::call::Call;
use crate::clock::now;
use crate::operations::{Origin, complete};
use crate::transfer_slots::AGAIN;
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

/// After so many rows others get a turn.
const TURN: i64 = 200;

/// What a reader sends to the loader.
pub(crate) enum Sent {
    Part(Part),
    /// The import is whole: so many rows, of this digest.
    End(i64, Vec<u8>),
}

/// The reading of one import.
pub(crate) struct Reading<'a> {
    pub(crate) call: Call<'a>,
    pub(crate) header: &'a Header,
    /// How far it came before.
    pub(crate) before: &'a Progress,
    pub(crate) parts: Sender<Sent>,
}

/// Where a reading is.
struct State {
    reader: Reader,
    filling: Filling,
    /// How many rows were seen, and their digest, if anybody wants it.
    done: i64,
    digest: Option<Sha256>,
    bytes: usize,
    /// When the part began: the version of its rows.
    time: i64,
}

impl Reading<'_> {
    /// Reads the call to its end. When nobody takes the parts any more, it ends as well: the loader says why.
    pub(crate) async fn run(self, mut messages: Streaming<ImportRequest>) -> Result<(), Error> {
        let mut rows = Rows::new(self.header.format.framing(), self.call.records.settings().max_message_bytes);
        let mut state = State {
            reader: Reader::new(self.header.format),
            filling: Filling::default(),
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
                    self.bound(&state)?;
                    rows.feed(chunk);
                }
                None => rows.finish(),
            }
            while let Some(row) = rows.next()? {
                self.row(&mut state, &row)?;
                if state.done % TURN == 0 {
                    yield_now().await;
                }
                if state.filling.is_full() && !self.send(&mut state).await? {
                    return Ok(());
                }
            }
            if is_end {
                break;
            }
        }
        self.check_resumed(&state, true)?;
        if !state.filling.is_empty() && !self.send(&mut state).await? {
            return Ok(());
        }
        // Who has gone says why.
        let _ = self.parts.send(Sent::End(state.done, digest(&state))).await;
        Ok(())
    }

    /// Takes a row.
    fn row(&self, state: &mut State, row: &Row<'_>) -> Result<(), Error> {
        let model = &self.call.table.model;
        if let Some(digest) = &mut state.digest {
            let content = row.content.as_ref().copied().unwrap_or_default();
            digest.update((content.len() as u64).to_le_bytes());
            digest.update(content);
        }
        if state.reader.wants_names() {
            return state.reader.names(model, row);
        }
        state.done += 1;
        if state.done <= self.before.rows {
            return self.check_resumed(state, false);
        }
        self.bound(state)?;
        match self.record(state, row) {
            Ok(()) => {}
            Err(row_errors) if row_errors.iter().any(|row_error| row_error.ended.is_some()) => {
                return Err(ended(row_errors));
            }
            Err(row_errors) => state.filling.refuse(row.line, row_errors),
        }
        Ok(())
    }

    /// Adds the record of a row to the part.
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
        state.filling.add(&self.call, row.line, &record, &written).map_err(row_errors)
    }

    /// Sends the part; says whether anybody takes it.
    async fn send(&self, state: &mut State) -> Result<bool, Error> {
        let part = state.filling.take(state.done, digest(state));
        let is_taken = self.parts.send(Sent::Part(part)).await.is_ok();
        state.time = now()?.max(state.time + 1);
        Ok(is_taken)
    }

    /// Refuses what is too much for one transaction.
    fn bound(&self, state: &State) -> Result<(), Error> {
        let rows = usize::try_from(state.done).unwrap_or(usize::MAX);
        if !self.header.is_atomic() || (rows <= MAX_ATOMIC_ROWS && state.bytes <= MAX_ATOMIC_BYTES) {
            return Ok(());
        }
        let (what, instead) = match self.header.validate_only {
            true => ("is checked only", ""),
            false => ("is all or nothing", ", or let ON_ERROR_SKIP load it in parts"),
        };
        let message = format!(
            "nothing was loaded: an import that {what} can have {MAX_ATOMIC_ROWS} rows and {} MiB; split it up{instead}",
            MAX_ATOMIC_BYTES >> 20
        );
        let refused = Error::new(Reason::TooLarge, message);
        Err(refused.with("mostRows", MAX_ATOMIC_ROWS.to_string()).with("mostBytes", MAX_ATOMIC_BYTES.to_string()))
    }

    /// Refuses other rows than those that are loaded already.
    fn check_resumed(&self, state: &State, is_end: bool) -> Result<(), Error> {
        let before = self.before;
        let is_short = is_end && state.done < before.rows;
        let is_long = before.is_complete && state.done > before.rows;
        let is_other = before.rows > 0 && state.done == before.rows && digest(state) != before.digest;
        if is_short || is_long || is_other { Err(other("the rows were different")) } else { Ok(()) }
    }
}

/// The end of an import that found no memory for a row. It can be sent again.
fn ended(row_errors: Vec<RowError>) -> Error {
    let row_error = row_errors.into_iter().find(|row_error| row_error.ended.is_some());
    let (reason, message) = row_error.map_or((Reason::Internal, String::new()), |row_error| {
        (row_error.ended.unwrap_or(Reason::Internal), row_error.message)
    });
    Error::new(reason, message).retry_after(AGAIN)
}

/// The digest of the rows so far; empty if nobody wants it.
fn digest(state: &State) -> Vec<u8> {
    state.digest.clone().map(|digest| digest.finalize().to_vec()).unwrap_or_default()
}

/// Why a stream has no next message: what is wrong with it, or that the caller went away.
pub(super) fn broken(status: tonic::Status) -> Error {
    from_tonic_status(&status)
        .or_else(|| Error::of_status(&status))
        .unwrap_or_else(|| Error::new(Reason::Cancelled, "the stream of the import was interrupted").caused_by(status))
}

/// The next bytes; none at the end.
async fn next_chunk(call: &Call<'_>, messages: &mut Streaming<ImportRequest>) -> Result<Option<Bytes>, Error> {
    let next = tokio::select! {
        next = timeout(PATIENCE, messages.message()) => next,
        () = call.records.stop().cancelled() => {
            return Err(Error::new(Reason::NotReady, "the server is stopping; send the import again"));
        }
    };
    let next = next.map_err(|_| {
        let words = format!("no chunk of the import arrived for {} seconds", PATIENCE.as_secs());
        Error::new(Reason::DeadlineExceeded, words)
    })?;
    match next.map_err(broken)? {
        None => Ok(None),
        Some(ImportRequest { part: Some(import_request::Part::Chunk(chunk)) }) => Ok(Some(chunk.into())),
        Some(_) => {
            Err(Error::field("header", "import", "must be in the first message only, and a chunk in each other one"))
        }
    }
}
