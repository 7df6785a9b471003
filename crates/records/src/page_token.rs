//! Page tokens: where a list goes on, sealed, so that nobody can read, forge or reuse them elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use groundplan_error::{Error, Reason};
use rand::Rng;

/// The first byte of what is sealed, so that tokens of a later form are told apart.
const FORM: u8 = 1;

const NONCE_BYTES: usize = 24;

/// No token of ours is longer: callers give ids of at most 128 bytes, and with SQL one may have as many as a primary key
/// holds, uncompressed about 2,700.
const MAX_TOKEN: usize = 6 << 10;

/// How much of an id that is too long reaches the log, in characters.
const MAX_SHOWN: usize = 100;

/// Seals and opens page tokens with the installation's key.
pub(crate) struct PageTokens(XChaCha20Poly1305);

impl PageTokens {
    pub(crate) fn new(key: &[u8]) -> Result<Self, Error> {
        XChaCha20Poly1305::new_from_slice(key)
            .map(Self)
            .map_err(|_| Error::internal("the page token key has a wrong length"))
    }

    /// Seals the last id of a page of `model`'s records of `tenant`.
    pub(crate) fn seal(&self, tenant: &str, model: &str, last_id: &str) -> Result<String, Error> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let text = [&[FORM], last_id.as_bytes()].concat();
        let list = list(tenant, model);
        let payload = Payload { msg: &text, aad: &list };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| Error::internal("a page token cannot be sealed"))?;
        let token = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat());
        if token.len() > MAX_TOKEN {
            let shown: String = last_id.chars().take(MAX_SHOWN).collect();
            return Err(Error::internal(format!("a row of {model} has an id too long for a page token: {shown}…")));
        }
        Ok(token)
    }

    /// Opens a token of the same list.
    pub(crate) fn open(&self, tenant: &str, model: &str, token: &str) -> Result<String, Error> {
        self.try_open(tenant, model, token).ok_or_else(|| {
            Error::new(
                Reason::PageTokenInvalid,
                "the page token is not from this list; send the nextPageToken of its page before, unchanged, or none",
            )
        })
    }

    fn try_open(&self, tenant: &str, model: &str, token: &str) -> Option<String> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let list = list(tenant, model);
        let text = self.0.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &list }).ok()?;
        let (form, last_id) = text.split_first()?;
        if *form == FORM { String::from_utf8(last_id.to_vec()).ok() } else { None }
    }
}

/// What a token is bound to. A model's name has no zero byte, so the two cannot run together.
fn list(tenant: &str, model: &str) -> Vec<u8> {
    [model.as_bytes(), &[0], tenant.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_for_its_list_only() {
        let tokens = PageTokens::new(&[7; 32]).unwrap();
        let token = tokens.seal("default", "a.v1.B", "id").unwrap();
        assert_eq!(tokens.open("default", "a.v1.B", &token).unwrap(), "id");
        assert!(tokens.open("other", "a.v1.B", &token).is_err());
        assert!(tokens.open("default", "a.v1.C", &token).is_err());
        let stranger = PageTokens::new(&[8; 32]).unwrap();
        assert_eq!(stranger.open("default", "a.v1.B", &token).unwrap_err().reason(), Reason::PageTokenInvalid);
    }

    #[test]
    fn every_changed_letter_is_noticed() {
        let tokens = PageTokens::new(&[7; 32]).unwrap();
        let token = tokens.seal("default", "a.v1.B", "0198c0de").unwrap();
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(tokens.open("default", "a.v1.B", &changed).is_err(), "{at}");
        }
    }

    #[test]
    fn what_is_sealed_can_be_opened_or_is_not_sealed() {
        let tokens = PageTokens::new(&[7; 32]).unwrap();
        let long = "x".repeat(2_700);
        let token = tokens.seal("default", "a.v1.B", &long).unwrap();
        assert_eq!(tokens.open("default", "a.v1.B", &token).unwrap(), long);
        let refused = tokens.seal("default", "a.v1.B", &"x".repeat(100_000)).unwrap_err();
        assert_eq!(refused.reason(), Reason::Internal);
    }

    #[test]
    fn garbage_is_refused() {
        let tokens = PageTokens::new(&[7; 32]).unwrap();
        for garbage in ["x", "====", "null", "é", &"A".repeat(100), &"A".repeat(1_000_000)] {
            assert!(tokens.open("default", "a.v1.B", garbage).is_err(), "{}", garbage.len());
        }
    }
}
