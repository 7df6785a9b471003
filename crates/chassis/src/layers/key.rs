//! The root principal's key: its required form, and the check of calls.

use crate::settings::Secret;
use groundplan_error::{Error, Reason};
use groundplan_identity::credentials_error;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The length of a key of 32 random bytes, in hexadecimal digits and in base64.
const HEX: usize = 64;
const BASE64: usize = 43;

/// The minimum number of different characters: all but one in a billion random keys have 10 of the hexadecimal digits, or 16 of
/// the base64 characters.
const HEX_VARIETY: usize = 10;
const BASE64_VARIETY: usize = 16;

/// The digest of the root principal's key: comparing digests takes constant time.
#[derive(Clone)]
pub struct RootKey {
    digest: [u8; 32],
}

impl RootKey {
    /// Creates the check for a key. Returns an error if the key is weak.
    pub fn new(key: &Secret) -> Result<Self, Error> {
        match weakness(key.expose()) {
            None => Ok(Self { digest: Sha256::digest(key.expose()).into() }),
            Some(weakness) => {
                let message = format!("API_KEY {weakness}; create one of 32 random bytes with `openssl rand -hex 32`");
                Err(Error::new(Reason::CredentialsInvalid, message))
            }
        }
    }

    /// Checks a call's credentials.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Error> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or_else(|| credentials_error("no credentials were sent"))?;
        if values.next().is_some() {
            return Err(credentials_error("several authorization headers were sent"));
        }
        // The same message for every kind of invalid credentials.
        let invalid = || credentials_error("the credentials are not valid");
        let (scheme, key) = value.as_bytes().split_at_checked("Bearer ".len()).ok_or_else(invalid)?;
        if !scheme.eq_ignore_ascii_case(b"Bearer ") {
            return Err(invalid());
        }
        let digest: [u8; 32] = Sha256::digest(key.trim_ascii()).into();
        if bool::from(digest.ct_eq(&self.digest)) { Ok(()) } else { Err(invalid()) }
    }
}

/// Returns why a key cannot consist of 32 random bytes. Randomness itself cannot be proved.
fn weakness(key: &str) -> Option<String> {
    let bytes = key.as_bytes();
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_graphic) {
        return Some("must be visible ASCII without spaces".to_owned());
    }
    let is_hex = bytes.iter().all(u8::is_ascii_hexdigit);
    let (length, variety) = if is_hex { (HEX, HEX_VARIETY) } else { (BASE64, BASE64_VARIETY) };
    if bytes.len() < length {
        let form = if is_hex { "hexadecimal digits" } else { "characters" };
        return Some(format!("has {} {form}, but 32 random bytes have {length}", bytes.len()));
    }
    let mut different = bytes.to_vec();
    different.sort_unstable();
    different.dedup();
    if different.len() < variety {
        return Some(format!("has only {} different characters", different.len()));
    }
    let repeats = (1..=bytes.len() / 2).any(|period| bytes.iter().zip(bytes.iter().skip(period)).all(|(a, b)| a == b));
    if repeats {
        return Some("repeats a shorter sequence".to_owned());
    }
    // abc…, 1234…
    let steps = bytes.iter().zip(bytes.iter().skip(1)).filter(|(a, b)| a.abs_diff(**b) <= 1).count();
    (steps > bytes.len() / 2).then(|| "consists mostly of sequences".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{RootKey, weakness};
    use crate::settings::Secret;
    use rand::Rng as _;

    #[test]
    fn weak_keys_are_rejected_with_the_command_to_create_one() {
        for (key, expected) in [
            ("", "visible ASCII"),
            ("two words", "visible ASCII"),
            ("schlüssel", "visible ASCII"),
            ("x", "1 characters"),
            ("hunter2hunter2", "14 characters"),
            ("0123456789abcdef0123456789abcdef", "32 hexadecimal digits"),
            (&"x".repeat(64), "1 different"),
            (&"01".repeat(32), "2 different"),
            (&"Tr0ub4dor&3-horse-staple".repeat(2), "repeats"),
            ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "sequences"),
        ] {
            let error = RootKey::new(&Secret::new(key)).err().unwrap().to_string();
            assert!(error.contains(expected) && error.contains("openssl rand -hex 32"), "{key}: {error}");
            assert!(key.len() < 2 || !error.contains(key), "the error must not contain the key: {error}");
        }
    }

    #[test]
    fn keys_of_32_random_bytes_are_accepted() {
        use base64::Engine as _;
        let mut bytes = [0; 32];
        for _ in 0..10_000 {
            rand::rng().fill_bytes(&mut bytes);
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let base64 = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
            for key in [hex, format!("gp_{base64}"), base64] {
                assert_eq!(weakness(&key), None, "{key}");
            }
        }
    }
}
