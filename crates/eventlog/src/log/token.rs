//! Tokens: sealed places in one life of a log.

use super::{Log, log_replaced};
use crate::Cursor;
use crate::epoch::Epoch;
use crate::resume::{EventIdentity, PositionContext, ResumePoint};
use groundplan_chassis::seal::Sealer;
use groundplan_error::{Error, Reason};

/// No token of ours is longer.
pub const MAX_TOKEN: usize = 256;

/// The form of tokens that name the last event before their place, and of those that name none because there was none.
const WITH_EVENT: u8 = 2;
const WITHOUT_EVENT: u8 = 3;

/// The form of tokens from before tokens named an event. They are still accepted, with the checks that their contents allow.
const WITHOUT_IDENTITY: u8 = 1;

/// What a token says.
struct Unsealed {
    epoch: Epoch,
    cursor: Cursor,
    /// None in tokens of the form before.
    last_event: Option<Option<EventIdentity>>,
}

impl Log {
    /// Seals what else the service gives to callers and gets back, such as page tokens, with the key that all its processes
    /// share. Origins of another form than those of the log's own tokens keep them apart.
    pub fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }

    /// Seals a place of the present log. The token opens with the same `origin` only.
    pub fn seal_token(&self, origin: &[u8], at: ResumePoint) -> Result<String, Error> {
        self.seal_token_of_epoch(self.progress().map_or(Epoch(0), |progress| progress.server.epoch), origin, at)
    }

    /// Seals a place of a log, be it the present one or not.
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

    /// Opens a token. INVALID_ARGUMENT if it is none of this origin; OUT_OF_RANGE if it is of another life of the log, or what
    /// follows it may be dropped.
    pub async fn open_token(&self, origin: &[u8], token: &str) -> Result<ResumePoint, Error> {
        let Unsealed { epoch, cursor, last_event } = self.unseal(origin, token).ok_or_else(|| {
            let message = "the token is not from here; send the last one that came, unchanged, to the same method with the same \
                         filter, or none";
            Error::new(Reason::TokenInvalid, message)
        })?;
        let progress = self.ready().await?;
        if progress.server.epoch != epoch {
            return Err(log_restored());
        }
        let point = |known| ResumePoint { cursor, last_event: last_event.unwrap_or(known) };
        let kept = self.last_event_in_memory(cursor);
        if kept.is_some() && point(kept).last_event == kept {
            return Ok(point(kept));
        }
        let position_context = self.position_context(cursor).await?;
        let PositionContext { dropped_through, last_event: found, .. } = position_context;
        if !progress.is_same_log(self.progress()) {
            return Err(log_replaced());
        }
        if cursor.position < dropped_through {
            let oldest = ResumePoint { cursor: Cursor::after(dropped_through), last_event: None };
            return Err(self.position_dropped().with("oldestToken", self.seal_token(origin, oldest)?));
        }
        let point = point(found);
        if position_context.includes(&point) { Ok(point) } else { Err(log_restored()) }
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

/// The refusal of a token of another life of the log.
fn log_restored() -> Error {
    let message = "the database is another one than the token is from: it was restored, or failed over; begin again";
    Error::new(Reason::PositionGone, message)
}
