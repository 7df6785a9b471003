//! Read masks (AIP-157): which fields of a record an answer shows.

use super::{Path, outermost, parse_paths};
use crate::error::DecodeError;
use crate::{Record, Value};
use groundplan_model::shape::{FieldId, Kind, Shape, ShapeId, Shapes};

/// Which fields are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadMask {
    /// `*`, or no mask at all.
    All,
    /// At least one; sorted, and none is inside another.
    Paths(Vec<Path>),
}

impl ReadMask {
    /// Reads the paths of a FieldMask, by proto names or JSON names, through singular messages.
    pub fn parse(shapes: &Shapes, shape: ShapeId, paths: &[String]) -> Result<Self, DecodeError> {
        let parsed = parse_paths(shapes, shape, paths, "read");
        match parsed.map_err(|message| DecodeError::new("mask", message).in_field("read_mask"))? {
            Some(parsed) if !parsed.is_empty() => Ok(Self::Paths(outermost(parsed))),
            _ => Ok(Self::All),
        }
    }

    /// The fields of the record itself that something is shown of, each once and in order; none if that is all of them.
    pub fn fields(&self) -> Option<Vec<FieldId>> {
        let Self::Paths(paths) = self else { return None };
        let mut fields: Vec<FieldId> = paths.iter().filter_map(|path| path.0.first().copied()).collect();
        fields.dedup();
        Some(fields)
    }

    /// This mask, and whole fields besides.
    #[must_use]
    pub fn with(&self, fields: &[FieldId]) -> Self {
        let Self::Paths(paths) = self else { return Self::All };
        let more = fields.iter().map(|field| Path(vec![*field]));
        Self::Paths(outermost(paths.iter().cloned().chain(more).collect()))
    }

    /// Clears what is not shown, in messages within too. A message of which nothing is left stays, empty: it is there.
    pub fn apply(&self, shapes: &Shapes, shape: ShapeId, record: &mut Record) {
        if let Self::Paths(paths) = self {
            let paths: Vec<&[FieldId]> = paths.iter().map(Path::steps).collect();
            keep(shapes, shapes.get(shape), &paths, record);
        }
    }
}

/// Clears all but what the paths lead to. They are sorted, so those that begin with one field stand together.
fn keep(shapes: &Shapes, shape: &Shape, mut paths: &[&[FieldId]], record: &mut Record) {
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
            keep(shapes, shapes.get(inner), &within, message);
        }
    }
}
