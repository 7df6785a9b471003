//! Decodes scalars without their tags, and collects the bytes of messages that occur more than once.

use super::reader::Reader;
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::{Value, kinds};
use bytes::Bytes;
use groundplan_model::shape::{Integer, Kind};
use std::borrow::Cow;

/// Appends the bytes of another occurrence of a message.
pub(super) fn append_occurrence<'a>(
    limits: &mut Limits,
    collected: &mut Cow<'a, [u8]>,
    bytes: &'a [u8],
) -> Result<(), DecodeError> {
    if collected.is_empty() {
        *collected = Cow::Borrowed(bytes);
        return Ok(());
    }
    // The first copy includes the bytes that were borrowed so far.
    let borrowed = if matches!(collected, Cow::Borrowed(_)) { collected.len() } else { 0 };
    limits.charge_bytes(borrowed + bytes.len())?;
    collected.to_mut().extend_from_slice(bytes);
    Ok(())
}

/// Decodes a scalar without a tag.
pub(super) fn decode_scalar(kind: Kind, reader: &mut Reader<'_>) -> Result<Value, DecodeError> {
    Ok(match kind {
        Kind::Bool => Value::Bool(reader.varint()? != 0),
        Kind::Integer(integer) => decode_integer(integer, reader)?,
        Kind::Float => Value::double(f32::from_le_bytes(reader.fixed()?).into()),
        Kind::Double => Value::double(f64::from_le_bytes(reader.fixed()?)),
        Kind::Enum(_) => Value::Enum(low_bits(reader.varint()?).cast_signed()),
        Kind::String => Value::String(text(reader.delimited()?)?.to_owned()),
        Kind::Bytes => Value::Bytes(Bytes::copy_from_slice(reader.delimited()?)),
        _ => Value::Empty,
    })
}

fn decode_integer(integer: Integer, reader: &mut Reader<'_>) -> Result<Value, DecodeError> {
    Ok(match integer {
        Integer::Int32 => Value::Int(low_bits(reader.varint()?).cast_signed().into()),
        Integer::Sint32 => Value::Int(unzigzag(low_bits(reader.varint()?).into())),
        Integer::Sfixed32 => Value::Int(i32::from_le_bytes(reader.fixed()?).into()),
        Integer::Uint32 => Value::Int(low_bits(reader.varint()?).into()),
        Integer::Fixed32 => Value::Int(u32::from_le_bytes(reader.fixed()?).into()),
        Integer::Int64 => Value::Int(reader.varint()?.cast_signed()),
        Integer::Sint64 => Value::Int(unzigzag(reader.varint()?)),
        Integer::Sfixed64 => Value::Int(i64::from_le_bytes(reader.fixed()?)),
        Integer::Uint64 => Value::Uint(reader.varint()?),
        Integer::Fixed64 => Value::Uint(u64::from_le_bytes(reader.fixed()?)),
    })
}

/// Decodes a string that PostgreSQL can store.
pub(super) fn text(bytes: &[u8]) -> Result<&str, DecodeError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| DecodeError::new("utf8", "is not valid UTF-8; use a bytes field for other data"))?;
    kinds::reject_nul(text)
}

/// Returns the 32 bits that protobuf uses of a longer varint.
#[expect(clippy::cast_possible_truncation, reason = "protobuf defines that the upper bits are dropped")]
pub(super) fn low_bits(varint: u64) -> u32 {
    varint as u32
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}
