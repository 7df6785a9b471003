//! Sealed tokens: callers cannot read, forge or reuse them elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use groundplan_error::Error;
use rand::Rng as _;

/// The length of a key, in bytes.
pub const KEY_BYTES: usize = 32;

const NONCE_BYTES: usize = 24;

/// Seals with one key: XChaCha20-Poly1305 after a random nonce, as base64 for URLs.
pub struct Sealer(XChaCha20Poly1305);

impl Sealer {
    /// Creates a sealer with a key of [`KEY_BYTES`] bytes.
    pub fn new(key: &[u8]) -> Result<Self, Error> {
        let cipher = XChaCha20Poly1305::new_from_slice(key);
        cipher.map(Self).map_err(|_| Error::internal("the key of a token has a wrong length"))
    }

    /// Seals bytes. The token opens only with the same `origin`.
    pub fn seal(&self, origin: &[u8], bytes: &[u8]) -> Result<String, Error> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let sealed = self.0.encrypt(&XNonce::from(nonce), Payload { msg: bytes, aad: origin });
        let sealed = sealed.map_err(|_| Error::internal("a token cannot be sealed"))?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens a token that was sealed with the same key and `origin`; none if it was not. The caller must limit its length.
    pub fn open(&self, origin: &[u8], token: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        self.0.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: origin }).ok()
    }
}

/// Keys must not be printed.
impl std::fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sealer(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_open_for_their_origin_only() {
        let sealer = Sealer::new(&[7; KEY_BYTES]).unwrap();
        let token = sealer.seal(b"here", b"secret").unwrap();
        assert_eq!(sealer.open(b"here", &token).unwrap(), b"secret");
        assert_eq!(sealer.open(b"there", &token), None);
        assert_eq!(Sealer::new(&[8; KEY_BYTES]).unwrap().open(b"here", &token), None);
        assert_ne!(sealer.seal(b"here", b"secret").unwrap(), token);
        assert!(Sealer::new(&[7; 5]).is_err());
    }

    #[test]
    fn every_changed_letter_is_detected() {
        let sealer = Sealer::new(&[7; KEY_BYTES]).unwrap();
        let token = sealer.seal(b"", b"secret").unwrap();
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(sealer.open(b"", &String::from_utf8(changed).unwrap()), None, "{at}");
        }
        for garbage in ["", "x", "====", "null", "é", &"A".repeat(100)] {
            assert_eq!(sealer.open(b"", garbage), None, "{garbage}");
        }
    }
}
