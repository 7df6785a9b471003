//! Proto3 JSON, for REST.
//!
//! It deliberately differs from the specification: it writes zeros, rejects unknown and duplicate keys, and also accepts a
//! FieldMask as `{"paths": […]}`.

use crate::limits::Limits;
use crate::mask::Merge;
use crate::text::{Decoder, Dialect, Encoder};
use crate::{DecodeError, Record};
use groundplan_budget::Budget;
use groundplan_model::shape::{FieldId, ShapeId, Shapes};

/// A record, and the fields that its JSON names.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    pub record: Record,
    /// The fields whose keys were present, even if null, in the order of the text: the mask of a partial update.
    pub present: Vec<FieldId>,
}

/// Decodes an object. Keys are JSON names or proto names. Values and memory are charged to the request.
pub fn decode(shapes: &Shapes, shape: ShapeId, text: &[u8], budget: &Budget) -> Result<Decoded, DecodeError> {
    let decoded = || {
        let mut decoder = Decoder::new(shapes, Dialect::Proto, text, Limits::for_request(budget))?;
        let (record, present) = decoder.record(shape)?;
        decoder.end()?;
        Ok(Decoded { record, present })
    };
    decoded().map_err(DecodeError::about_record)
}

/// Decodes a JSON merge patch (RFC 7396): the result of applying it to an empty record, and the fields that it names.
///
/// Objects merge at every depth: into messages, maps and free-form JSON. `null` removes, and lists are replaced.
pub fn decode_patch(
    shapes: &Shapes,
    shape: ShapeId,
    text: &[u8],
    budget: &Budget,
) -> Result<(Record, Merge), DecodeError> {
    let decoded = || {
        let mut decoder = Decoder::new(shapes, Dialect::Proto, text, Limits::for_request(budget))?;
        let patch = decoder.patch(shape)?;
        decoder.end()?;
        Ok(patch)
    };
    decoded().map_err(DecodeError::about_record)
}

/// Encodes an object, with zeros of fields without presence, and without absent fields with presence and input-only fields.
pub fn encode(shapes: &Shapes, shape: ShapeId, record: &Record, out: &mut Vec<u8>) {
    Encoder { shapes, dialect: Dialect::Proto, out }.record(shape, record);
}
