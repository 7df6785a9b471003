//! Protobuf's wire format, by the specification of proto3, stricter in one thing: what is unknown is refused.

mod decode;
mod encode;
mod reader;
mod scalar;
mod well_known;

use crate::limits::Limits;
use crate::{DecodeError, Record};
use bytes::BufMut;
use groundplan_budget::Budget;
use groundplan_model::shape::{Integer, Kind, ShapeId, Shapes};

/// Reads a message.
///
/// Fields may come in any order, the last one wins, repeated occurrences of a message merge, lists may be packed or not.
/// Unknown field numbers and groups are refused at every depth; unknown enum numbers are values like others. Values and memory are
/// charged to the request.
pub fn decode(shapes: &Shapes, shape: ShapeId, bytes: &[u8], budget: &Budget) -> Result<Record, DecodeError> {
    let limits = Limits::of_request(budget);
    decode::decode((shapes, shape), bytes, decode::Unknown::Refused, limits).map_err(DecodeError::about_record)
}

/// Reads a message that [`encode`] has written, perhaps for another revision of the shape: fields that this one does not
/// have are left out.
pub fn decode_stored(shapes: &Shapes, shape: ShapeId, bytes: &[u8]) -> Result<Record, DecodeError> {
    let limits = Limits::of_depth();
    decode::decode((shapes, shape), bytes, decode::Unknown::Skipped, limits).map_err(DecodeError::about_record)
}

/// Writes a message: fields in the order of their numbers, lists packed, map entries sorted.
pub fn encode(shapes: &Shapes, shape: ShapeId, record: &Record, out: &mut impl BufMut) {
    encode::write(shapes, shape, record, out);
}

/// The number of bytes that [`encode`] writes.
pub fn encoded_len(shapes: &Shapes, shape: ShapeId, record: &Record) -> usize {
    encode::count(shapes, shape, record)
}

/// How a value stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
    Fixed32 = 5,
}

/// How the values of a kind stand on the wire.
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
