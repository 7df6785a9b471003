//! Proto3 JSON, as REST speaks it.
//!
//! Differences from the specification, all on purpose: zeros are written out, unknown and doubled keys are refused, and a
//! FieldMask may also come as `{"paths": […]}`.

use crate::limits::Limits;
use crate::mask::Merge;
use crate::text::{Decoder, Dialect, Encoder};
use crate::{DecodeError, Record};
use groundplan_budget::Budget;
use groundplan_model::shape::{FieldId, ShapeId, Shapes};

/// A record, and what its JSON said.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    pub record: Record,
    /// The fields whose keys were there, in the order of the text, null included: a partial update's mask.
    pub present: Vec<FieldId>,
}

/// Reads an object. Keys are JSON names or proto names. Values and memory are charged to the request.
pub fn decode(shapes: &Shapes, shape: ShapeId, text: &[u8], budget: &Budget) -> Result<Decoded, DecodeError> {
    let decoded = || {
        let mut decoder = Decoder::new(shapes, Dialect::Proto, text, Limits::of_request(budget))?;
        let (record, present) = decoder.record(shape)?;
        decoder.end()?;
        Ok(Decoded { record, present })
    };
    decoded().map_err(DecodeError::about_record)
}

/// Reads a JSON merge patch (RFC 7396): the record that it makes of nothing, and what it names of the record that it is for.
///
/// Objects merge, at every depth: into messages, into maps and into free-form JSON. `null` removes, and lists are replaced.
pub fn decode_patch(
    shapes: &Shapes,
    shape: ShapeId,
    text: &[u8],
    budget: &Budget,
) -> Result<(Record, Merge), DecodeError> {
    let decoded = || {
        let mut decoder = Decoder::new(shapes, Dialect::Proto, text, Limits::of_request(budget))?;
        let patch = decoder.patch(shape)?;
        decoder.end()?;
        Ok(patch)
    };
    decoded().map_err(DecodeError::about_record)
}

/// Writes an object: zeros of fields without presence are there, absent fields with presence and input-only ones are not.
pub fn encode(shapes: &Shapes, shape: ShapeId, record: &Record, out: &mut Vec<u8>) {
    Encoder { shapes, dialect: Dialect::Proto, out }.record(shape, record);
}
