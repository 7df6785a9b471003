//! Page tokens: the encrypted position of the next page. Callers can neither read nor forge them, nor use them for another list.

use bytes::{Buf, BufMut, Bytes};
use groundplan_chassis::seal::Sealer;
use groundplan_error::{Error, Reason, Violation};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The first byte of a token's content, to distinguish later formats.
const FORMAT: u8 = 2;

/// The maximum length of a token in bytes. It holds an id, of at most 2,700 bytes even if SQL wrote it, and the values of
/// `order_by`.
pub const MAX_TOKEN: usize = 6 << 10;

/// The length that represents a NULL.
const NULL: u32 = u32::MAX;

/// Seals and opens page tokens with the installation's key.
pub struct PageTokens {
    sealer: Sealer,
    /// In microseconds.
    lifetime: i64,
}

/// The list of a token. Other lists reject the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin([u8; 32]);

/// The position where a list continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// `now` of the request for the first page, in microseconds since the Unix epoch.
    pub now: i64,
    /// Whether larger ids come first among records that are equal in the other keys.
    pub ids_descend: bool,
    /// The keys of the last record in PostgreSQL's binary format, the id last; NULL is `None`.
    pub values: Vec<Option<Bytes>>,
}

impl Origin {
    /// Returns the digest.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Digests everything that determines the meaning of a cursor's values.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            // The length prefix separates the parts.
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }
}

impl PageTokens {
    pub fn new(key: &[u8], lifetime: Duration) -> Result<Self, Error> {
        Ok(Self { sealer: Sealer::new(key)?, lifetime: i64::try_from(lifetime.as_micros()).unwrap_or(i64::MAX) })
    }

    /// Seals a cursor of a list. `now` is in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// `ORDER_INVALID` if the values are too long for a token.
    pub fn seal(&self, origin: &Origin, cursor: &Cursor, now: i64) -> Result<String, Error> {
        let text = write(cursor, now.saturating_add(self.lifetime));
        let token = self.sealer.seal(&origin.0, &text)?;
        if token.len() > MAX_TOKEN { Err(too_long(text.len())) } else { Ok(token) }
    }

    /// Opens a token of the same list.
    ///
    /// # Errors
    /// `PAGE_TOKEN_INVALID`, `PAGE_TOKEN_EXPIRED`.
    pub fn open(&self, origin: &Origin, token: &str, now: i64) -> Result<Cursor, Error> {
        let (cursor, expires) = self.try_open(origin, token).ok_or_else(|| {
            Error::new(
                Reason::PageTokenInvalid,
                "the page token is not from this list; send the nextPageToken of its page before, unchanged and with the \
                 same filter and order, or none",
            )
        })?;
        if expires <= now {
            return Err(Error::new(
                Reason::PageTokenExpired,
                "the page token is too old; start again without one, or order by what does not change and filter by it",
            ));
        }
        Ok(cursor)
    }

    fn try_open(&self, origin: &Origin, token: &str) -> Option<(Cursor, i64)> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        read(self.sealer.open(&origin.0, token)?.into())
    }
}

/// Encodes a cursor with its time of expiry.
fn write(cursor: &Cursor, expires: i64) -> Vec<u8> {
    let mut text = vec![FORMAT];
    text.put_i64(expires);
    text.put_i64(cursor.now);
    text.put_u8(u8::from(cursor.ids_descend));
    for value in &cursor.values {
        match value {
            // PostgreSQL values are smaller than 4 GiB.
            Some(value) => {
                text.put_u32(u32::try_from(value.len()).unwrap_or(NULL - 1));
                text.put_slice(value);
            }
            None => text.put_u32(NULL),
        }
    }
    text
}

fn read(mut text: Bytes) -> Option<(Cursor, i64)> {
    if text.try_get_u8().ok()? != FORMAT {
        return None;
    }
    let expires = text.try_get_i64().ok()?;
    let now = text.try_get_i64().ok()?;
    let ids_descend = text.try_get_u8().ok()? != 0;
    let mut values = Vec::new();
    while text.has_remaining() {
        values.push(match text.try_get_u32().ok()? {
            NULL => None,
            length => {
                let length = usize::try_from(length).ok().filter(|length| *length <= text.len())?;
                Some(text.split_to(length))
            }
        });
    }
    Some((Cursor { now, ids_descend, values }, expires))
}

/// Returns the error of an order by values that are too long.
fn too_long(bytes: usize) -> Error {
    let message = format!(
        "the last record of the page has {bytes} bytes in the fields of order_by and the id, too many for a page token; order \
         by shorter fields, or filter so that one page is enough"
    );
    let description = "leads to a value that is too long for a page token".to_owned();
    let violation = Violation { field: "order_by".into(), description, rule: "page_token.max_bytes".into() };
    Error::new(Reason::OrderInvalid, message).with_violation(violation)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_000_000;

    fn tokens(key: u8) -> PageTokens {
        PageTokens::new(&[key; 32], Duration::from_secs(60)).unwrap()
    }

    fn origin(parts: &[&str]) -> Origin {
        Origin::of(parts.iter().map(|part| part.as_bytes()))
    }

    fn cursor(values: &[Option<&str>]) -> Cursor {
        let values = values.iter().map(|value| value.map(|value| Bytes::copy_from_slice(value.as_bytes())));
        Cursor { now: NOW - 5, ids_descend: true, values: values.collect() }
    }

    #[test]
    fn token_opens_only_for_its_list() {
        let list = origin(&["default", "a.v1.B", ""]);
        for values in [&[Some("id")][..], &[None, Some(""), Some("id")], &[]] {
            let token = tokens(7).seal(&list, &cursor(values), NOW).unwrap();
            assert_eq!(tokens(7).open(&list, &token, NOW).unwrap(), cursor(values));
            for other in [
                &["other", "a.v1.B", ""][..],
                &["default", "a.v1.C", ""],
                &["default", "a.v1.B"],
                &["defaulta", ".v1.B", ""],
            ] {
                assert!(tokens(7).open(&origin(other), &token, NOW).is_err(), "{other:?}");
            }
            assert_eq!(tokens(8).open(&list, &token, NOW).unwrap_err().reason(), Reason::PageTokenInvalid);
        }
    }

    #[test]
    fn token_expires() {
        let list = origin(&["default"]);
        let token = tokens(7).seal(&list, &cursor(&[Some("id")]), NOW).unwrap();
        assert!(tokens(7).open(&list, &token, NOW + 59_999_999).is_ok());
        assert_eq!(tokens(7).open(&list, &token, NOW + 60_000_000).unwrap_err().reason(), Reason::PageTokenExpired);
    }

    #[test]
    fn changed_tokens_are_rejected() {
        let list = origin(&["default"]);
        let token = tokens(7).seal(&list, &cursor(&[Some("0198c0de"), None]), NOW).unwrap();
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(tokens(7).open(&list, &changed, NOW).is_err(), "{at}");
        }
    }

    #[test]
    fn sealed_tokens_can_be_opened_and_long_ones_are_rejected() {
        let list = origin(&["default"]);
        let long = "x".repeat(2_700);
        let token = tokens(7).seal(&list, &cursor(&[Some(&long)]), NOW).unwrap();
        assert_eq!(tokens(7).open(&list, &token, NOW).unwrap(), cursor(&[Some(&long)]));
        let error = tokens(7).seal(&list, &cursor(&[Some(&"x".repeat(100_000))]), NOW).unwrap_err();
        assert_eq!((error.reason(), error.violations()[0].field.as_str()), (Reason::OrderInvalid, "order_by"));
    }

    #[test]
    fn garbage_is_rejected() {
        for garbage in ["x", "====", "null", "é", &"A".repeat(100), &"A".repeat(1_000_000)] {
            assert!(tokens(7).open(&origin(&[]), garbage, NOW).is_err(), "{}", garbage.len());
        }
    }

    #[test]
    fn truncated_cursors_are_rejected() {
        let whole = write(&cursor(&[Some("abc"), None, Some("d")]), NOW);
        let complete = [18, 25, 29, whole.len()];
        for length in (0..whole.len()).filter(|length| !complete.contains(length)) {
            assert!(read(Bytes::copy_from_slice(&whole[..length])).is_none(), "{length}");
        }
    }
}
