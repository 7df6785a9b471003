//! Tokens: sealed places in one life of a log.

use super::Log;
use crate::Cursor;
use crate::epoch::Epoch;
use groundplan_error::{Error, Reason};

/// No token of ours is longer.
pub const MAX_TOKEN: usize = 256;

/// The form of tokens.
const FORM: u8 = 1;

impl Log {
    /// Seals a place of the present log. The token opens with the same `origin` only.
    pub fn token(&self, origin: &[u8], at: Cursor) -> Result<String, Error> {
        self.token_of(self.progress().map_or(Epoch(0), |progress| progress.epoch), origin, at)
    }

    /// Seals a place of a log, be it the present one or not.
    pub(crate) fn token_of(&self, epoch: Epoch, origin: &[u8], at: Cursor) -> Result<String, Error> {
        let mut bytes = vec![FORM];
        bytes.extend(epoch.0.to_be_bytes());
        bytes.extend(at.position.to_be_bytes());
        bytes.extend(at.part.to_be_bytes());
        self.0.sealer.seal(origin, &bytes)
    }

    /// Opens a token. INVALID_ARGUMENT if it is none of this origin; OUT_OF_RANGE if it is of another life of the log, or what
    /// follows it may be dropped.
    pub async fn open_token(&self, origin: &[u8], token: &str) -> Result<Cursor, Error> {
        let (epoch, at) = self.unseal(origin, token).ok_or_else(|| {
            let words = "the token is not from here; send the last one that came, unchanged, to the same method with the same \
                         filter, or none";
            Error::new(Reason::TokenInvalid, words)
        })?;
        let dropped = self.dropped_through().await?;
        match self.ready().await? {
            progress if progress.epoch != epoch => {
                let words =
                    "the database is another one than the token is from: it was restored, or failed over; begin again";
                Err(Error::new(Reason::PositionGone, words))
            }
            _ if at.position < dropped => {
                Err(self.gone().with("oldestToken", self.token(origin, Cursor::behind(dropped))?))
            }
            _ => Ok(at),
        }
    }

    fn unseal(&self, origin: &[u8], token: &str) -> Option<(Epoch, Cursor)> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let bytes = self.0.sealer.open(origin, token)?;
        let (form, rest) = bytes.split_first()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (position, part) = rest.split_first_chunk()?;
        let at = Cursor { position: i64::from_be_bytes(*position), part: i32::from_be_bytes(part.try_into().ok()?) };
        (*form == FORM).then(|| (Epoch(u64::from_be_bytes(*epoch)), at))
    }
}
