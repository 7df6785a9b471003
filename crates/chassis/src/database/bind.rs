//! Values in PostgreSQL's binary format.

use super::POSTGRES_EPOCH;
use bytes::{BufMut as _, Bytes, BytesMut};
use std::fmt;

/// Object ids of the element types of arrays.
pub mod oid {
    /// `boolean`
    pub const BOOL: u32 = 16;
    /// `bytea`
    pub const BYTEA: u32 = 17;
    /// `bigint`
    pub const INT8: u32 = 20;
    /// `integer`
    pub const INT4: u32 = 23;
    /// `text`
    pub const TEXT: u32 = 25;
    /// `double precision`
    pub const FLOAT8: u32 = 701;
    /// `timestamptz`
    pub const TIMESTAMPTZ: u32 = 1184;
    /// `interval`
    pub const INTERVAL: u32 = 1186;
    /// `numeric`
    pub const NUMERIC: u32 = 1700;
    /// `uuid`
    pub const UUID: u32 = 2950;
    /// `jsonb`
    pub const JSONB: u32 = 3802;
}

/// A value for a `?` of a statement, in the binary format of the type that PostgreSQL infers at that position.
///
/// If the type cannot be inferred (`SELECT ?`), add it: `?::bigint`.
#[derive(Clone, PartialEq, Eq)]
pub enum Bind {
    /// NULL.
    Null,
    /// One byte: `boolean`.
    B1([u8; 1]),
    /// Four bytes: `integer`.
    B4([u8; 4]),
    /// Eight bytes: `bigint`, `double precision`, `timestamptz`.
    B8([u8; 8]),
    /// Sixteen bytes: `uuid`, `interval`.
    B16([u8; 16]),
    /// Any other length.
    Bytes(Bytes),
}

impl Bind {
    /// Creates a `text`.
    pub fn text(value: &str) -> Self {
        Self::Bytes(Bytes::copy_from_slice(value.as_bytes()))
    }

    /// Creates a `bytea`, or a `text` from bytes.
    pub fn bytes(value: impl Into<Bytes>) -> Self {
        Self::Bytes(value.into())
    }

    /// Creates a `bigint`.
    pub fn i64(value: i64) -> Self {
        Self::B8(value.to_be_bytes())
    }

    /// Creates an `integer`.
    pub fn i32(value: i32) -> Self {
        Self::B4(value.to_be_bytes())
    }

    /// Creates a `double precision`.
    pub fn f64(value: f64) -> Self {
        Self::B8(value.to_be_bytes())
    }

    /// Creates a `boolean`.
    pub fn bool(value: bool) -> Self {
        Self::B1([u8::from(value)])
    }

    /// Creates a `uuid`.
    pub fn uuid(value: [u8; 16]) -> Self {
        Self::B16(value)
    }

    /// Creates a `timestamptz` from microseconds since the Unix epoch. Values that would equal PostgreSQL's `-infinity` become
    /// the smallest finite one.
    pub fn timestamptz(microseconds: i64) -> Self {
        Self::i64(microseconds.saturating_sub(POSTGRES_EPOCH).max(i64::MIN + 1))
    }

    /// Creates an `interval` from microseconds. It has no days and no months, so it stays exact.
    pub fn interval(microseconds: i64) -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&microseconds.to_be_bytes());
        Self::B16(bytes)
    }

    /// Creates a `jsonb` from JSON text.
    pub fn jsonb(json: Vec<u8>) -> Self {
        let mut bytes = BytesMut::with_capacity(json.len() + 1);
        bytes.put_u8(super::columns::JSONB_VERSION);
        bytes.put_slice(&json);
        Self::Bytes(bytes.freeze())
    }

    /// Creates a one-dimensional array of `element` (see [`oid`]).
    pub fn array(element: u32, items: &[Self]) -> Self {
        let size = items.iter().map(|item| 4 + item.as_bytes().map_or(0, <[u8]>::len)).sum::<usize>();
        let mut bytes = BytesMut::with_capacity(20 + size);
        let dimensions = i32::from(!items.is_empty());
        bytes.put_i32(dimensions);
        bytes.put_i32(i32::from(items.contains(&Self::Null)));
        bytes.put_u32(element);
        if dimensions == 1 {
            bytes.put_i32(length(items.len()));
            bytes.put_i32(1);
        }
        for item in items {
            match item.as_bytes() {
                None => bytes.put_i32(-1),
                Some(value) => {
                    bytes.put_i32(length(value.len()));
                    bytes.put_slice(value);
                }
            }
        }
        Self::Bytes(bytes.freeze())
    }

    /// Creates a `numeric` without a fraction, for the whole range of uint64.
    pub fn numeric(value: u64) -> Self {
        // Digits of base 10,000, the most significant first. Trailing zeros are left out; the weight counts them.
        let mut digits = Vec::with_capacity(5);
        let mut rest = value;
        while rest > 0 {
            digits.push(u16::try_from(rest % 10_000).expect("a remainder of 10,000 fits in 16 bits"));
            rest /= 10_000;
        }
        let weight = i16::try_from(digits.len()).expect("a u64 has at most five digits of base 10,000") - 1;
        let digits: Vec<u16> = digits.into_iter().skip_while(|&digit| digit == 0).collect();
        let count = u16::try_from(digits.len()).expect("a u64 has at most five digits of base 10,000");
        let mut bytes = BytesMut::with_capacity(8 + 2 * digits.len());
        bytes.put_u16(count);
        bytes.put_i16(weight.max(0));
        bytes.put_u16(0); // the sign: positive
        bytes.put_u16(0); // digits behind the point
        for digit in digits.into_iter().rev() {
            bytes.put_u16(digit);
        }
        Self::Bytes(bytes.freeze())
    }

    /// Returns the binary value; none for NULL.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Null => None,
            Self::B1(bytes) => Some(bytes),
            Self::B4(bytes) => Some(bytes),
            Self::B8(bytes) => Some(bytes),
            Self::B16(bytes) => Some(bytes),
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

/// Converts a length. PostgreSQL's own limit is 1 GiB, so it rejects a length that saturates here.
fn length(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// Values can be secret: only the size is shown.
impl fmt::Debug for Bind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_bytes() {
            None => formatter.write_str("NULL"),
            Some(bytes) => write!(formatter, "{} bytes", bytes.len()),
        }
    }
}
