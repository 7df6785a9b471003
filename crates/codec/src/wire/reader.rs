//! Reads tags and raw values from bytes without allocating.

use super::WireType;
use crate::DecodeError;

/// The maximum size of a varint: ten bytes of seven bits hold 64 bits.
const MAX_VARINT_BYTES: u32 = 10;

/// The unread rest of a message.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// One occurrence of a field whose tag was read and whose value was not.
#[derive(Debug)]
pub(super) struct Occurrence<'a, 'r> {
    pub(super) number: u32,
    wire_type: u64,
    reader: &'r mut Reader<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads the next tag; `None` at the end of the message. The value must be read before the next call.
    pub(super) fn next<'r>(&'r mut self) -> Result<Option<Occurrence<'a, 'r>>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        match u32::try_from(tag >> 3) {
            Ok(number @ 1..=0x1FFF_FFFF) => Ok(Some(Occurrence { number, wire_type: tag & 7, reader: self })),
            _ => Err(DecodeError::new("tag", format!("has a field number that protobuf does not allow: {}", tag >> 3))),
        }
    }

    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for index in 0..MAX_VARINT_BYTES {
            let (byte, rest) = self.rest.split_first().ok_or_else(truncated)?;
            self.rest = rest;
            if index + 1 == MAX_VARINT_BYTES && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::new("varint", "has a variable-length integer of more than 64 bits"))
    }

    pub(super) fn fixed<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk::<SIZE>().ok_or_else(truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(super) fn delimited(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(self.varint()?).map_err(|_| truncated())?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(truncated)?;
        self.rest = rest;
        Ok(bytes)
    }
}

impl<'a, 'r> Occurrence<'a, 'r> {
    pub(super) fn is(&self, wire_type: WireType) -> bool {
        self.wire_type == wire_type as u64
    }

    /// Returns the reader at the value if the wire type is the expected one.
    pub(super) fn value(self, expected: WireType) -> Result<&'r mut Reader<'a>, DecodeError> {
        if !self.is(expected) {
            return Err(wrong_wire_type(self.wire_type, expected));
        }
        Ok(self.reader)
    }

    pub(super) fn varint(self) -> Result<u64, DecodeError> {
        self.value(WireType::Varint)?.varint()
    }

    pub(super) fn delimited(self) -> Result<&'a [u8], DecodeError> {
        self.value(WireType::Delimited)?.delimited()
    }

    /// Skips the value.
    pub(super) fn skip(self) -> Result<(), DecodeError> {
        match self.wire_type {
            0 => self.reader.varint().map(drop),
            1 => self.reader.fixed::<8>().map(drop),
            2 => self.reader.delimited().map(drop),
            5 => self.reader.fixed::<4>().map(drop),
            other => Err(wrong_wire_type(other, WireType::Delimited)),
        }
    }

    /// Returns the error for a field that `message` does not have.
    #[cold]
    pub(super) fn unknown(&self, message: &str) -> DecodeError {
        DecodeError::new(
            "unknown_field",
            format!("is not a field number of {message}; leave the field out, or apply a model that has it"),
        )
        .in_field(&self.number.to_string())
    }
}

#[cold]
fn truncated() -> DecodeError {
    DecodeError::new("truncated", "is truncated: its bytes end in the middle of a value")
}

#[cold]
fn wrong_wire_type(actual: u64, expected: WireType) -> DecodeError {
    let actual = match actual {
        0 => "a variable-length integer",
        1 => "64 bits",
        2 => "bytes with a length",
        3 | 4 => "a group, which proto3 does not have,",
        5 => "32 bits",
        _ => "an unknown wire type",
    };
    let expected = match expected {
        WireType::Varint => "a variable-length integer",
        WireType::Fixed64 => "64 bits",
        WireType::Delimited => "bytes with a length",
        WireType::Fixed32 => "32 bits",
    };
    let message =
        format!("is encoded as {actual}, but its type is {expected}; the client's .proto differs from the server's");
    DecodeError::new("wire_type", message)
}
