//! Rules of strings and bytes, except formats.

use super::{Checks, distinct};
use groundplan_codec::Value;
use prost_protovalidate::types::rules_meta::{bytes, string};
use prost_protovalidate::types::{BytesRules, StringRules};
use regex::Regex;
use std::borrow::Cow;
use std::collections::HashSet;

impl Checks {
    /// Adds a check on strings.
    pub(super) fn text(
        &mut self,
        rule: impl Into<Cow<'static, str>>,
        message: &str,
        holds: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) {
        self.value(rule, message, move |value| match value {
            Value::String(text) => holds(text),
            _ => true,
        });
    }

    /// Adds a check on bytes.
    pub(super) fn binary(
        &mut self,
        rule: impl Into<Cow<'static, str>>,
        message: &str,
        holds: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
    ) {
        self.value(rule, message, move |value| match value {
            Value::Bytes(bytes) => holds(bytes),
            _ => true,
        });
    }

    pub(super) fn string(&mut self, rules: &StringRules) -> Result<(), String> {
        if let Some(wanted) = rules.r#const.clone() {
            self.text(string::CONST_ID, &string::const_message(&wanted), move |text| text == wanted);
        }
        self.string_lengths(rules);
        if let Some(pattern) = &rules.pattern {
            let regex = Regex::new(pattern).map_err(|error| format!("invalid regex pattern: {error}"))?;
            self.text(string::PATTERN_ID, &string::pattern_message(pattern), move |text| regex.is_match(text));
        }
        self.substrings(rules);
        if !rules.r#in.is_empty() {
            let allowed: HashSet<String> = rules.r#in.iter().cloned().collect();
            let message = string::in_message(&distinct(&rules.r#in));
            self.text(string::IN_ID, &message, move |text| allowed.contains(text));
        }
        if !rules.not_in.is_empty() {
            let forbidden: HashSet<String> = rules.not_in.iter().cloned().collect();
            let message = string::not_in_message(&distinct(&rules.not_in));
            self.text(string::NOT_IN_ID, &message, move |text| !forbidden.contains(text));
        }
        self.string_format(rules)?;
        Ok(())
    }

    fn string_lengths(&mut self, rules: &StringRules) {
        if let Some(length) = rules.len {
            self.text(string::LEN_ID, &string::len_message(length), move |text| characters(text) == length);
        }
        if let Some(least) = rules.min_len {
            self.text(string::MIN_LEN_ID, &string::min_len_message(least), move |text| characters(text) >= least);
        }
        if let Some(most) = rules.max_len {
            self.text(string::MAX_LEN_ID, &string::max_len_message(most), move |text| characters(text) <= most);
        }
        if let Some(length) = rules.len_bytes {
            let message = string::len_bytes_message(length);
            self.text(string::LEN_BYTES_ID, &message, move |text| text.len() as u64 == length);
        }
        if let Some(least) = rules.min_bytes {
            let message = string::min_bytes_message(least);
            self.text(string::MIN_BYTES_ID, &message, move |text| text.len() as u64 >= least);
        }
        if let Some(most) = rules.max_bytes {
            self.text(string::MAX_BYTES_ID, &string::max_bytes_message(most), move |text| text.len() as u64 <= most);
        }
    }

    fn substrings(&mut self, rules: &StringRules) {
        if let Some(prefix) = rules.prefix.clone() {
            self.text(string::PREFIX_ID, &string::prefix_message(&prefix), move |text| text.starts_with(&prefix));
        }
        if let Some(suffix) = rules.suffix.clone() {
            self.text(string::SUFFIX_ID, &string::suffix_message(&suffix), move |text| text.ends_with(&suffix));
        }
        if let Some(part) = rules.contains.clone() {
            self.text(string::CONTAINS_ID, &string::contains_message(&part), move |text| text.contains(&part));
        }
        if let Some(part) = rules.not_contains.clone() {
            let message = string::not_contains_message(&part);
            self.text(string::NOT_CONTAINS_ID, &message, move |text| !text.contains(&part));
        }
    }

    pub(super) fn bytes(&mut self, rules: &BytesRules) -> Result<(), String> {
        if let Some(wanted) = rules.r#const.clone() {
            self.binary(bytes::CONST_ID, &bytes::const_message(&wanted), move |value| value == wanted);
        }
        if let Some(length) = rules.len {
            self.binary(bytes::LEN_ID, &bytes::len_message(length), move |value| value.len() as u64 == length);
        }
        if let Some(least) = rules.min_len {
            self.binary(bytes::MIN_LEN_ID, &bytes::min_len_message(least), move |value| value.len() as u64 >= least);
        }
        if let Some(most) = rules.max_len {
            self.binary(bytes::MAX_LEN_ID, &bytes::max_len_message(most), move |value| value.len() as u64 <= most);
        }
        if let Some(pattern) = &rules.pattern {
            // Patterns are for text: bytes that are not UTF-8 match nothing. (The library fails.)
            let regex = regex::bytes::Regex::new(pattern);
            let regex = regex.map_err(|error| format!("invalid bytes regex pattern: {error}"))?;
            let holds = move |value: &[u8]| std::str::from_utf8(value).is_ok() && regex.is_match(value);
            self.binary(bytes::PATTERN_ID, &bytes::pattern_message(pattern), holds);
        }
        if let Some(prefix) = rules.prefix.clone() {
            self.binary(bytes::PREFIX_ID, &bytes::prefix_message(&prefix), move |value| value.starts_with(&prefix));
        }
        if let Some(suffix) = rules.suffix.clone() {
            self.binary(bytes::SUFFIX_ID, &bytes::suffix_message(&suffix), move |value| value.ends_with(&suffix));
        }
        if let Some(part) = rules.contains.clone() {
            let message = bytes::contains_message(&part);
            let holds = move |value: &[u8]| part.is_empty() || value.windows(part.len()).any(|window| window == part);
            self.binary(bytes::CONTAINS_ID, &message, holds);
        }
        if !rules.r#in.is_empty() {
            let allowed: HashSet<Vec<u8>> = rules.r#in.iter().cloned().collect();
            self.binary(bytes::IN_ID, bytes::IN_MESSAGE, move |value| allowed.contains(value));
        }
        if !rules.not_in.is_empty() {
            let forbidden: HashSet<Vec<u8>> = rules.not_in.iter().cloned().collect();
            self.binary(bytes::NOT_IN_ID, bytes::NOT_IN_MESSAGE, move |value| !forbidden.contains(value));
        }
        self.bytes_format(rules);
        Ok(())
    }
}

/// Returns the length of a text in characters, as protovalidate counts them.
fn characters(text: &str) -> u64 {
    text.chars().count() as u64
}
