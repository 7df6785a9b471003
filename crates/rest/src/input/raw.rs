//! Splits JSON text level by level. It keeps all keys of an object, including duplicates, and leaves the values as text
//! until their type is known.

use crate::limits::MAX_MEMBERS;
use groundplan_codec::mask::MAX_PATHS;
use groundplan_error::{Error, Reason};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The members of an object, in the order of the text.
#[derive(Debug)]
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

/// The elements of an array, at most one more than any array can have.
#[derive(Debug)]
pub(super) struct Elements<'a> {
    pub(super) kept: Vec<&'a RawValue>,
    /// The number of elements in the array.
    pub(super) count: usize,
}

/// The most elements to keep: the limit for paths in masks and for records in batches, and one more.
const MAX_KEPT: usize = MAX_PATHS + 1;

/// Parses a body. The rest of this module can rely on valid JSON, except for the contents of strings and numbers.
pub(super) fn parse(text: &[u8]) -> Result<&RawValue, Error> {
    serde_json::from_slice(text).map_err(malformed)
}

/// The members of an object; none if the value has another type.
pub(crate) fn members(value: &RawValue) -> Result<Option<Members<'_>>, Error> {
    if !value.get().starts_with('{') {
        return Ok(None);
    }
    serde_json::from_str(value.get()).map(Some).map_err(malformed)
}

/// The elements of an array; none if the value has another type.
pub(super) fn elements(value: &RawValue) -> Result<Option<Elements<'_>>, Error> {
    if !value.get().starts_with('[') {
        return Ok(None);
    }
    serde_json::from_str(value.get()).map(Some).map_err(malformed)
}

/// A string; none if the value has another type.
pub(super) fn text(value: &RawValue) -> Result<Option<String>, Error> {
    if !value.get().starts_with('"') {
        return Ok(None);
    }
    serde_json::from_str(value.get()).map(Some).map_err(malformed)
}

/// A bool; none if the value has another type.
pub(super) fn flag(value: &RawValue) -> Option<bool> {
    match value.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Whether a value is `null`.
pub(crate) fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// The type of a value, for error messages.
pub(crate) fn kind(value: &RawValue) -> &'static str {
    match value.get().bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a bool",
        Some(b'n') => "null",
        _ => "a number",
    }
}

fn malformed(error: serde_json::Error) -> Error {
    Error::new(Reason::MalformedRequest, format!("the body is not valid JSON: {error}"))
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            if members.len() == MAX_MEMBERS {
                return Err(A::Error::custom(format_args!("an object has more than {MAX_MEMBERS} keys")));
            }
            members.push(member);
        }
        Ok(Members(members))
    }
}

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ElementsVisitor)
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut elements = Elements { kept: Vec::new(), count: 0 };
        while let Some(element) = access.next_element()? {
            elements.count += 1;
            if elements.count <= MAX_KEPT {
                elements.kept.push(element);
            }
        }
        Ok(elements)
    }
}
