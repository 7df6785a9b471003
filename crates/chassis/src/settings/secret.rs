//! Values that must not be printed.

use std::fmt;
use std::str::FromStr;

/// The text that replaces a secret.
const MASK: &str = "********";

/// A value that logs, errors and `{:?}` do not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value` so that it is not printed.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Returns the value. Do not print it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

impl FromStr for Secret {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        match value {
            "" => Err("must not be empty: leave it unset, or give it a value".to_owned()),
            value => Ok(Self::new(value)),
        }
    }
}

/// Masks the passwords of a PostgreSQL connection string, a URL or `key=value` pairs.
///
/// If the end of a password is unclear, more is masked rather than less.
pub fn mask_url(url: &str) -> String {
    mask_pairs(&mask_user_info(url))
}

/// Masks `secret` in `scheme://user:secret@host`.
fn mask_user_info(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    // The last `@`, because passwords can contain unescaped ones.
    let Some((user_info, host)) = rest.rsplit_once('@') else { return url.to_owned() };
    match user_info.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:{MASK}@{host}"),
        None => url.to_owned(),
    }
}

/// Masks the value after each `password=`, quoted or not.
fn mask_pairs(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.to_ascii_lowercase().find("password") {
        let (before, after) = rest.split_at(at + "password".len());
        masked.push_str(before);
        let value = after.trim_start();
        rest = match value.strip_prefix('=') {
            Some(value) => {
                masked.push('=');
                masked.push_str(MASK);
                after_value(value.trim_start())
            }
            None => after,
        };
    }
    masked.push_str(rest);
    masked
}

/// Returns the text after the value at its start.
fn after_value(text: &str) -> &str {
    let Some(quoted) = text.strip_prefix('\'') else {
        let end = text.find(|letter: char| letter.is_whitespace() || letter == '&').unwrap_or(text.len());
        return text.split_at(end).1;
    };
    let mut escaped = false;
    for (at, letter) in quoted.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return quoted.split_at(at + 1).1,
            _ => {}
        }
    }
    ""
}
