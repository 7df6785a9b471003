//! The JSON of `jsonb` columns.
//!
//! Keys are storage names, so that renaming a field changes nothing on disk. Numbers are JSON numbers, so that SQL can compare
//! them; only NaN, infinities and negative zero are strings, because `jsonb` cannot represent them.

use crate::limits::Limits;
use crate::text::{Decoder, Dialect, Encoder};
use crate::{DecodeError, Value};
use groundplan_model::shape::{Field, Shapes};

/// Encodes a field's value, including members of its messages that [`decode`] did not find in their shapes.
pub fn encode(shapes: &Shapes, field: &Field, value: &Value, out: &mut Vec<u8>) {
    Encoder { shapes, dialect: Dialect::Storage, out }.field(field, value);
}

/// Decodes the output of [`encode`], also after PostgreSQL has normalized it.
///
/// During a rollout, processes of two revisions write the same rows. A key that the shape does not have is therefore kept in
/// the record through [`UpdateMask::apply`](crate::mask::UpdateMask::apply) until the next [`encode`]; no other encoding
/// contains it.
pub fn decode(shapes: &Shapes, field: &Field, json: &[u8]) -> Result<Value, DecodeError> {
    let decoded = || {
        let mut decoder = Decoder::new(shapes, Dialect::Storage, json, Limits::depth_only())?;
        let value = decoder.field(field)?;
        decoder.end()?;
        value.ok_or_else(|| DecodeError::new("null", "is null, which this column must not hold"))
    };
    decoded().map_err(|error: DecodeError| error.in_field(&field.name))
}
