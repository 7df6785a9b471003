//! The well-known types on the wire.

use super::reader::Reader;
use super::scalar::{append, bare, low_bits, text};
use super::wire_type;
use crate::limits::Limits;
use crate::{DecodeError, Value, field_mask, kinds, number, time};
use groundplan_model::shape::Kind;
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

/// Reads a well-known type.
pub(super) fn decode(limits: &mut Limits, kind: Kind, bytes: &[u8]) -> Result<Value, DecodeError> {
    match kind {
        Kind::Timestamp => {
            let (seconds, nanos) = parts("google.protobuf.Timestamp", bytes)?;
            time::timestamp(seconds, nanos).map(Value::Timestamp)
        }
        Kind::Duration => {
            let (seconds, nanos) = parts("google.protobuf.Duration", bytes)?;
            time::duration(seconds, nanos).map(Value::Duration)
        }
        Kind::Wrapper(wrapped) => wrapper(wrapped.kind(), bytes),
        Kind::FieldMask => paths(limits, bytes),
        Kind::Struct => structure(limits, bytes).map(|members| Value::Json(Json::Object(members))),
        Kind::Value => any(limits, bytes).map(Value::Json),
        Kind::ListValue => list(limits, bytes).map(|elements| Value::Json(Json::Array(elements))),
        _ => empty(bytes),
    }
}

/// The seconds and nanoseconds of a Timestamp or Duration.
fn parts(message: &str, bytes: &[u8]) -> Result<(i64, i32), DecodeError> {
    let (mut seconds, mut nanos) = (0, 0);
    let mut reader = Reader::new(bytes);
    while let Some(occurrence) = reader.next()? {
        match occurrence.number {
            1 => seconds = occurrence.varint()?.cast_signed(),
            2 => nanos = low_bits(occurrence.varint()?).cast_signed(),
            _ => return Err(occurrence.unknown(message)),
        }
    }
    Ok((seconds, nanos))
}

fn wrapper(kind: Kind, bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut value = kinds::zero(kind).unwrap_or(Value::Empty);
    let mut reader = Reader::new(bytes);
    while let Some(occurrence) = reader.next()? {
        match occurrence.number {
            1 => value = bare(kind, occurrence.value(wire_type(kind))?)?,
            _ => return Err(occurrence.unknown("the wrapper")),
        }
    }
    Ok(value)
}

fn paths(limits: &mut Limits, bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut paths = Vec::new();
    let mut reader = Reader::new(bytes);
    while let Some(occurrence) = reader.next()? {
        if occurrence.number != 1 {
            return Err(occurrence.unknown("google.protobuf.FieldMask"));
        }
        limits.elements(1)?;
        let path = text(occurrence.delimited()?)?;
        field_mask::check(path)?;
        paths.push(path.to_owned());
    }
    Ok(Value::FieldMask(paths))
}

fn empty(bytes: &[u8]) -> Result<Value, DecodeError> {
    match Reader::new(bytes).next()? {
        Some(occurrence) => Err(occurrence.unknown("google.protobuf.Empty")),
        None => Ok(Value::Empty),
    }
}

fn structure(limits: &mut Limits, bytes: &[u8]) -> Result<Map<String, Json>, DecodeError> {
    limits.enter()?;
    let mut members = Map::new();
    let mut reader = Reader::new(bytes);
    while let Some(occurrence) = reader.next()? {
        if occurrence.number != 1 {
            return Err(occurrence.unknown("google.protobuf.Struct"));
        }
        let (key, value) = member(limits, occurrence.delimited()?)?;
        members.insert(key, value);
    }
    limits.leave();
    Ok(members)
}

/// An entry of a Struct's map.
fn member(limits: &mut Limits, bytes: &[u8]) -> Result<(String, Json), DecodeError> {
    let mut key = "";
    let mut value: Cow<'_, [u8]> = Cow::Borrowed(&[]);
    let mut reader = Reader::new(bytes);
    while let Some(occurrence) = reader.next()? {
        match occurrence.number {
            1 => key = text(occurrence.delimited()?)?,
            2 => append(limits, &mut value, occurrence.delimited()?)?,
            _ => return Err(occurrence.unknown("an entry of google.protobuf.Struct")),
        }
    }
    let value = any(limits, &value).map_err(|error| error.at_key(key))?;
    Ok((key.to_owned(), value))
}

fn list(limits: &mut Limits, bytes: &[u8]) -> Result<Vec<Json>, DecodeError> {
    limits.enter()?;
    let mut elements = Vec::new();
    let mut reader = Reader::new(bytes);
    while let Some(occurrence) = reader.next()? {
        if occurrence.number != 1 {
            return Err(occurrence.unknown("google.protobuf.ListValue"));
        }
        let element = any(limits, occurrence.delimited()?).map_err(|error| error.at_index(elements.len()))?;
        elements.push(element);
    }
    limits.leave();
    Ok(elements)
}

/// A message inside `google.protobuf.Value`, collected like the singular messages of other messages.
enum Kept<'a> {
    Nothing,
    Done(Json),
    Struct(Cow<'a, [u8]>),
    List(Cow<'a, [u8]>),
}

impl Kept<'_> {
    /// What it is, if it is anything.
    fn finish(self, limits: &mut Limits) -> Result<Option<Json>, DecodeError> {
        Ok(match self {
            Self::Nothing => None,
            Self::Done(value) => Some(value),
            Self::Struct(bytes) => Some(Json::Object(structure(limits, &bytes)?)),
            Self::List(bytes) => Some(Json::Array(list(limits, &bytes)?)),
        })
    }
}

fn any(limits: &mut Limits, bytes: &[u8]) -> Result<Json, DecodeError> {
    limits.json()?;
    let mut kept = Kept::Nothing;
    let mut reader = Reader::new(bytes);
    while let Some(occurrence) = reader.next()? {
        let before = kept;
        kept = match occurrence.number {
            1 => {
                occurrence.varint()?;
                Kept::Done(Json::Null)
            }
            2 => Kept::Done(finite(occurrence.value(super::WireType::Fixed64)?)?),
            3 => Kept::Done(Json::String(text(occurrence.delimited()?)?.to_owned())),
            4 => Kept::Done(Json::Bool(occurrence.varint()? != 0)),
            5 => match before {
                Kept::Struct(mut collected) => {
                    append(limits, &mut collected, occurrence.delimited()?)?;
                    kept = Kept::Struct(collected);
                    continue;
                }
                _ => Kept::Struct(Cow::Borrowed(occurrence.delimited()?)),
            },
            6 => match before {
                Kept::List(mut collected) => {
                    append(limits, &mut collected, occurrence.delimited()?)?;
                    kept = Kept::List(collected);
                    continue;
                }
                _ => Kept::List(Cow::Borrowed(occurrence.delimited()?)),
            },
            _ => return Err(occurrence.unknown("google.protobuf.Value")),
        };
        // The last member counts, but the others must have been right all the same.
        before.finish(limits)?;
    }
    let none = || DecodeError::new("value_kind", "is a google.protobuf.Value without a kind; set null_value for null");
    kept.finish(limits)?.ok_or_else(none)
}

fn finite(reader: &mut Reader<'_>) -> Result<Json, DecodeError> {
    let value = f64::from_le_bytes(reader.fixed()?);
    number::in_struct(value).map(Json::Number).ok_or_else(|| {
        DecodeError::new("range", "must be a finite number; NaN and infinities have no place in google.protobuf.Value")
    })
}
