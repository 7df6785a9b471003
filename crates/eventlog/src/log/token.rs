//! Tokens: sealed positions in one incarnation of a log.

use super::Log;
use super::errors::{log_replaced, position_dropped};
use crate::Cursor;
use crate::epoch::Epoch;
use crate::resume::{EventIdentity, PositionContext, ResumePoint};
use groundplan_chassis::seal::Sealer;
use groundplan_error::{Error, Reason};

/// The maximum length of a token in bytes.
pub const MAX_TOKEN: usize = 256;

/// The formats of tokens with and without a last event before their position.
const WITH_EVENT: u8 = 2;
const WITHOUT_EVENT: u8 = 3;

/// The format of older tokens, which do not identify an event. They are still accepted, with fewer checks.
const WITHOUT_IDENTITY: u8 = 1;

/// The contents of a token.
struct Unsealed {
    epoch: Epoch,
    cursor: Cursor,
    /// `None` in older tokens.
    last_event: Option<Option<EventIdentity>>,
}

impl Log {
    /// Returns the sealer for other opaque tokens of the service, such as page tokens, with the key that all its processes
    /// share. Their origins must differ from those of the log's tokens.
    pub fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }

    /// Seals a position of the current log. The token opens only with the same `origin`.
    pub fn seal_token(&self, origin: &[u8], at: ResumePoint) -> Result<String, Error> {
        self.seal_token_of_epoch(self.progress().map_or(Epoch(0), |progress| progress.server.epoch), origin, at)
    }

    /// Seals a position of the log with this epoch.
    pub(crate) fn seal_token_of_epoch(&self, epoch: Epoch, origin: &[u8], at: ResumePoint) -> Result<String, Error> {
        let mut bytes = vec![if at.last_event.is_some() { WITH_EVENT } else { WITHOUT_EVENT }];
        bytes.extend(epoch.0.to_be_bytes());
        write(&mut bytes, at.cursor);
        if let Some(event) = at.last_event {
            write(&mut bytes, event.at);
            bytes.extend(event.appended_at.to_be_bytes());
        }
        self.0.sealer.seal(origin, &bytes)
    }

    /// Opens a token.
    ///
    /// # Errors
    /// `TOKEN_INVALID` if it was not sealed for this origin; `POSITION_GONE` if the log was replaced, or events after the
    /// position might have been dropped.
    pub async fn open_token(&self, origin: &[u8], token: &str) -> Result<ResumePoint, Error> {
        let Unsealed { epoch, cursor, last_event } = self.unseal(origin, token).ok_or_else(|| {
            let message = "the token is not valid here; send the last received token, unchanged, to the same method with the same \
                         filter, or send none";
            Error::new(Reason::TokenInvalid, message)
        })?;
        let progress = self.ready().await?;
        if progress.server.epoch != epoch {
            return Err(log_restored());
        }
        let point = |known| ResumePoint { cursor, last_event: last_event.unwrap_or(known) };
        let in_memory = self.last_event_in_memory(cursor);
        if in_memory.is_some() && point(in_memory).last_event == in_memory {
            return Ok(point(in_memory));
        }
        let context = self.position_context(cursor).await?;
        let PositionContext { dropped_through, last_event: in_database, .. } = context;
        if !progress.is_same_log(self.progress()) {
            return Err(log_replaced());
        }
        if cursor.position < dropped_through {
            let oldest = ResumePoint { cursor: Cursor::after(dropped_through), last_event: None };
            return Err(position_dropped(self.retention()).with("oldestToken", self.seal_token(origin, oldest)?));
        }
        let point = point(in_database);
        if context.includes(&point) { Ok(point) } else { Err(log_restored()) }
    }

    fn unseal(&self, origin: &[u8], token: &str) -> Option<Unsealed> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let bytes = self.0.sealer.open(origin, token)?;
        let (form, rest) = bytes.split_first()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (cursor, rest) = read(rest)?;
        let (last_event, rest) = match *form {
            WITHOUT_IDENTITY => (None, rest),
            WITHOUT_EVENT => (Some(None), rest),
            WITH_EVENT => {
                let (at, rest) = read(rest)?;
                let (appended_at, rest) = rest.split_first_chunk()?;
                (Some(Some(EventIdentity { at, appended_at: i64::from_be_bytes(*appended_at) })), rest)
            }
            _ => return None,
        };
        rest.is_empty().then_some(Unsealed { epoch: Epoch(u64::from_be_bytes(*epoch)), cursor, last_event })
    }
}

fn write(bytes: &mut Vec<u8>, cursor: Cursor) {
    bytes.extend(cursor.position.to_be_bytes());
    bytes.extend(cursor.part.to_be_bytes());
}

fn read(bytes: &[u8]) -> Option<(Cursor, &[u8])> {
    let (position, rest) = bytes.split_first_chunk()?;
    let (part, rest) = rest.split_first_chunk()?;
    Some((Cursor { position: i64::from_be_bytes(*position), part: i32::from_be_bytes(*part) }, rest))
}

/// The error for a token of a replaced log.
fn log_restored() -> Error {
    let message = "the token is from another database: it was restored or failed over; start again without a token";
    Error::new(Reason::PositionGone, message)
}
