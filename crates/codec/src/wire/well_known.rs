//! Decodes well-known types from the wire.

use super::reader::Reader;
use super::scalar::{append_occurrence, decode_scalar, low_bits, text};
use super::wire_type;
use crate::limits::Limits;
use crate::{DecodeError, Value, field_mask, kinds, number, time};
use groundplan_model::shape::Kind;
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

/// Decodes a well-known type.
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
        Kind::Value => decode_value(limits, bytes).map(Value::Json),
        Kind::ListValue => list(limits, bytes).map(|elements| Value::Json(Json::Array(elements))),
        _ => empty(bytes),
    }
}

/// Decodes the seconds and nanoseconds of a Timestamp or Duration.
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
            1 => value = decode_scalar(kind, occurrence.value(wire_type(kind))?)?,
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
        limits.charge_elements(1)?;
        let path = text(occurrence.delimited()?)?;
        field_mask::check_path(path)?;
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

/// Decodes an entry of a Struct's map.
fn member(limits: &mut Limits, bytes: &[u8]) -> Result<(String, Json), DecodeError> {
    let mut key = "";
    let mut value: Cow<'_, [u8]> = Cow::Borrowed(&[]);
    let mut reader = Reader::new(bytes);
    while let Some(occurrence) = reader.next()? {
        match occurrence.number {
            1 => key = text(occurrence.delimited()?)?,
            2 => append_occurrence(limits, &mut value, occurrence.delimited()?)?,
            _ => return Err(occurrence.unknown("an entry of google.protobuf.Struct")),
        }
    }
    let value = decode_value(limits, &value).map_err(|error| error.at_key(key))?;
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
        let element = decode_value(limits, occurrence.delimited()?).map_err(|error| error.at_index(elements.len()))?;
        elements.push(element);
    }
    limits.leave();
    Ok(elements)
}

/// The content of a `google.protobuf.Value`, which collects messages like the singular messages of other messages.
enum PartialValue<'a> {
    Nothing,
    Done(Json),
    Struct(Cow<'a, [u8]>),
    List(Cow<'a, [u8]>),
}

impl PartialValue<'_> {
    /// Decodes the content, if there is any.
    fn finish(self, limits: &mut Limits) -> Result<Option<Json>, DecodeError> {
        Ok(match self {
            Self::Nothing => None,
            Self::Done(value) => Some(value),
            Self::Struct(bytes) => Some(Json::Object(structure(limits, &bytes)?)),
            Self::List(bytes) => Some(Json::Array(list(limits, &bytes)?)),
        })
    }
}

fn decode_value(limits: &mut Limits, bytes: &[u8]) -> Result<Json, DecodeError> {
    limits.charge_json_value()?;
    let mut partial = PartialValue::Nothing;
    let mut reader = Reader::new(bytes);
    while let Some(occurrence) = reader.next()? {
        let before = partial;
        partial = match occurrence.number {
            1 => {
                occurrence.varint()?;
                PartialValue::Done(Json::Null)
            }
            2 => PartialValue::Done(finite(occurrence.value(super::WireType::Fixed64)?)?),
            3 => PartialValue::Done(Json::String(text(occurrence.delimited()?)?.to_owned())),
            4 => PartialValue::Done(Json::Bool(occurrence.varint()? != 0)),
            5 => match before {
                PartialValue::Struct(mut collected) => {
                    append_occurrence(limits, &mut collected, occurrence.delimited()?)?;
                    partial = PartialValue::Struct(collected);
                    continue;
                }
                _ => PartialValue::Struct(Cow::Borrowed(occurrence.delimited()?)),
            },
            6 => match before {
                PartialValue::List(mut collected) => {
                    append_occurrence(limits, &mut collected, occurrence.delimited()?)?;
                    partial = PartialValue::List(collected);
                    continue;
                }
                _ => PartialValue::List(Cow::Borrowed(occurrence.delimited()?)),
            },
            _ => return Err(occurrence.unknown("google.protobuf.Value")),
        };
        // The last member wins, but the others must be valid nevertheless.
        before.finish(limits)?;
    }
    let none = || DecodeError::new("value_kind", "is a google.protobuf.Value without a kind; set null_value for null");
    partial.finish(limits)?.ok_or_else(none)
}

fn finite(reader: &mut Reader<'_>) -> Result<Json, DecodeError> {
    let value = f64::from_le_bytes(reader.fixed()?);
    number::to_json_number(value).map(Json::Number).ok_or_else(|| {
        DecodeError::new("range", "must be a finite number; google.protobuf.Value cannot represent NaN and infinities")
    })
}
