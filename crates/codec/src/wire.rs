//! Protobuf's wire format as specified for proto3, except that unknown fields are rejected.

mod decode;
mod encode;
mod reader;
mod scalar;
mod sink;
mod well_known;

use crate::limits::Limits;
use crate::{DecodeError, Record};
use bytes::BufMut;
use groundplan_budget::Budget;
use groundplan_model::shape::{Integer, Kind, ShapeId, Shapes};

/// Decodes a message.
///
/// Fields can be in any order, the last occurrence wins, occurrences of a message merge, and lists can be packed or not.
/// Unknown field numbers and groups are rejected at every depth; unknown enum numbers are accepted. Values and memory are
/// charged to the request.
pub fn decode(shapes: &Shapes, shape: ShapeId, bytes: &[u8], budget: &Budget) -> Result<Record, DecodeError> {
    let limits = Limits::for_request(budget);
    decode::decode((shapes, shape), bytes, decode::UnknownFields::Reject, limits).map_err(DecodeError::about_record)
}

/// Decodes a message that [`encode`] has written, perhaps with another revision of the shape: unknown fields are skipped.
pub fn decode_stored(shapes: &Shapes, shape: ShapeId, bytes: &[u8]) -> Result<Record, DecodeError> {
    let limits = Limits::depth_only();
    decode::decode((shapes, shape), bytes, decode::UnknownFields::Skip, limits).map_err(DecodeError::about_record)
}

/// Encodes a message: fields in the order of their numbers, lists packed, map entries sorted.
pub fn encode(shapes: &Shapes, shape: ShapeId, record: &Record, out: &mut impl BufMut) {
    encode::write(shapes, shape, record, out);
}

/// Returns the number of bytes that [`encode`] writes.
pub fn encoded_len(shapes: &Shapes, shape: ShapeId, record: &Record) -> usize {
    encode::count(shapes, shape, record)
}

/// The wire type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
    Fixed32 = 5,
}

/// Returns the wire type of the values of a kind.
fn wire_type(kind: Kind) -> WireType {
    match kind {
        Kind::Bool | Kind::Enum(_) => WireType::Varint,
        Kind::Integer(integer) => match integer {
            Integer::Sfixed32 | Integer::Fixed32 => WireType::Fixed32,
            Integer::Sfixed64 | Integer::Fixed64 => WireType::Fixed64,
            _ => WireType::Varint,
        },
        Kind::Float => WireType::Fixed32,
        Kind::Double => WireType::Fixed64,
        _ => WireType::Delimited,
    }
}
