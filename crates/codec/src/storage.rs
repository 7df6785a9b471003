//! The JSON of `jsonb` columns.
//!
//! Keys are storage names, so that renaming a field renames nothing on disk. Numbers are numbers, so that SQL can compare
//! them; only NaN, the infinities and negative zero are strings, because `jsonb` has no such numbers.

use crate::limits::Limits;
use crate::text::{Decoder, Dialect, Encoder};
use crate::{DecodeError, Value};
use groundplan_model::shape::{Field, Shapes};

/// Writes what a field holds, and in its messages also what [`decode`] found there beyond their shapes.
pub fn encode(shapes: &Shapes, field: &Field, value: &Value, out: &mut Vec<u8>) {
    Encoder { shapes, dialect: Dialect::Storage, out }.field(field, value);
}

/// Reads what [`encode`] wrote, also after PostgreSQL has put it in its own form.
///
/// While a new revision spreads, processes of both write the same rows. So a key that the shape of a message does not have
/// is kept in its record as it is, through [`UpdateMask::apply`](crate::mask::UpdateMask::apply) up to the next
/// [`encode`]; no other encoding shows it.
pub fn decode(shapes: &Shapes, field: &Field, json: &[u8]) -> Result<Value, DecodeError> {
    let decoded = || {
        let mut decoder = Decoder::new(shapes, Dialect::Storage, json, Limits::of_depth())?;
        let value = decoder.field(field)?;
        decoder.end()?;
        value.ok_or_else(|| DecodeError::new("null", "is null, which this column must not hold"))
    };
    decoded().map_err(|error: DecodeError| error.in_field(&field.name))
}
