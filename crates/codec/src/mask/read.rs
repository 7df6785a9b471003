//! Read masks (AIP-157): the fields of a record that a response contains.

use super::{Path, parse_paths, remove_nested_paths};
use crate::error::DecodeError;
use crate::{Record, Value};
use groundplan_model::shape::{FieldId, Kind, Shape, ShapeId, Shapes};

/// The fields that a response contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadMask {
    /// `*`, or no mask.
    All,
    /// At least one, sorted, without paths inside other paths.
    Paths(Vec<Path>),
}

impl ReadMask {
    /// Parses the paths of a FieldMask, with proto names or JSON names, through singular messages.
    pub fn parse(shapes: &Shapes, shape: ShapeId, paths: &[String]) -> Result<Self, DecodeError> {
        let parsed = parse_paths(shapes, shape, paths, "read");
        match parsed.map_err(|message| DecodeError::new("mask", message).in_field("read_mask"))? {
            Some(parsed) if !parsed.is_empty() => Ok(Self::Paths(remove_nested_paths(parsed))),
            _ => Ok(Self::All),
        }
    }

    /// Returns the top-level fields that the mask contains, each once and in order; `None` for all.
    pub fn fields(&self) -> Option<Vec<FieldId>> {
        let Self::Paths(paths) = self else { return None };
        let mut fields: Vec<FieldId> = paths.iter().filter_map(|path| path.0.first().copied()).collect();
        fields.dedup();
        Some(fields)
    }

    /// Returns this mask extended by whole fields.
    #[must_use]
    pub fn with_fields(&self, fields: &[FieldId]) -> Self {
        let Self::Paths(paths) = self else { return Self::All };
        let more = fields.iter().map(|field| Path(vec![*field]));
        Self::Paths(remove_nested_paths(paths.iter().cloned().chain(more).collect()))
    }

    /// Clears all other fields, also in nested messages. A message without remaining fields stays, empty.
    pub fn apply(&self, shapes: &Shapes, shape: ShapeId, record: &mut Record) {
        if let Self::Paths(paths) = self {
            let paths: Vec<&[FieldId]> = paths.iter().map(Path::steps).collect();
            clear_other_fields(shapes, shapes.get(shape), &paths, record);
        }
    }
}

/// Clears all fields that no path includes. Paths are sorted, so those with the same first field are adjacent.
fn clear_other_fields(shapes: &Shapes, shape: &Shape, mut paths: &[&[FieldId]], record: &mut Record) {
    for (id, field) in shape.iter() {
        let count = paths.iter().take_while(|path| path.first() == Some(&id)).count();
        let (within, others) = paths.split_at(count);
        paths = others;
        let within: Vec<&[FieldId]> = within.iter().filter_map(|path| path.get(1..)).collect();
        if within.is_empty() {
            record.take(id);
        } else if within.iter().all(|path| !path.is_empty())
            && let (Kind::Message(inner), Some(Value::Message(message))) = (field.kind, record.get_mut(id))
        {
            clear_other_fields(shapes, shapes.get(inner), &within, message);
        }
    }
}
