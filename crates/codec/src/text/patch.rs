//! The text of a JSON merge patch (RFC 7396): values to merge, and nulls for what is removed.

use super::Decoder;
use super::reader::Next;
use crate::mask::{Merge, Step, merge_json};
use crate::{DecodeError, Record, Value};
use groundplan_model::shape::{Cardinality, Field, Kind, MapKey, ShapeId};
use serde_json::Value as Json;

/// A value, if there is one, and what becomes of its place.
type Patched = (Option<Value>, Step);

impl Decoder<'_> {
    /// Reads a patch of a message: what it makes of an empty one, and what it names.
    pub(crate) fn patch(&mut self, shape: ShapeId) -> Result<(Record, Merge), DecodeError> {
        let mut merge = Merge::default();
        let record = self.object(shape, &mut |decoder, id, field| {
            let (value, step) = decoder.patched(field)?;
            merge.0.push((id, step));
            Ok(value)
        })?;
        Ok((record, merge))
    }

    /// Reads what a patch has for a field.
    fn patched(&mut self, field: &Field) -> Result<Patched, DecodeError> {
        match (self.reader.peek()?, field.cardinality) {
            (Next::Null, _) => self.reader.null().map(|()| (None, Step::Whole)),
            (Next::Object, Cardinality::Map(key)) => self.patched_map(key, field.kind),
            (_, Cardinality::Map(_) | Cardinality::Repeated) => Ok((self.field(field)?, Step::Whole)),
            _ => self.patched_value(field.kind),
        }
    }

    fn patched_map(&mut self, key: MapKey, kind: Kind) -> Result<Patched, DecodeError> {
        let entries = self.entries(key, &mut |decoder| match decoder.reader.peek()? {
            Next::Null => decoder.reader.null().map(|()| (None, Step::Whole)),
            _ => decoder.patched_value(kind),
        })?;
        let (mut values, mut steps) = (Vec::new(), Vec::with_capacity(entries.len()));
        for (key, (value, step)) in entries {
            values.extend(value.map(|value| (key.clone(), value)));
            steps.push((key, step));
        }
        Ok((Some(Value::Map(values)), Step::Map(steps)))
    }

    /// Reads a value that is not null.
    fn patched_value(&mut self, kind: Kind) -> Result<Patched, DecodeError> {
        match (self.reader.peek()?, kind) {
            (_, Kind::Message(shape)) => {
                let (record, merge) = self.patch(shape)?;
                Ok((Some(Value::Message(record)), Step::Message(merge)))
            }
            (Next::Object, Kind::Struct | Kind::Value) => {
                let patch = self.any()?;
                Ok((Some(Value::Json(merge_json(Json::Null, &patch))), Step::Json(patch)))
            }
            _ => Ok((Some(self.value(kind)?), Step::Whole)),
        }
    }
}
