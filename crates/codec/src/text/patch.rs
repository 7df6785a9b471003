//! Decodes JSON merge patches (RFC 7396): values to merge, and nulls for removals.

use super::Decoder;
use super::reader::TokenKind;
use crate::mask::{Merge, Step, merge_json};
use crate::{DecodeError, Record, Value};
use groundplan_model::shape::{Cardinality, Field, Kind, MapKey, ShapeId};
use serde_json::Value as Json;

/// The new value, if any, and how it changes the old one.
type PatchStep = (Option<Value>, Step);

impl Decoder<'_> {
    /// Reads a patch of a message: the result of applying it to an empty one, and the fields that it names.
    pub(crate) fn patch(&mut self, shape: ShapeId) -> Result<(Record, Merge), DecodeError> {
        let mut merge = Merge::default();
        let record = self.object(shape, &mut |decoder, id, field| {
            let (value, step) = decoder.patch_field(field)?;
            merge.0.push((id, step));
            Ok(value)
        })?;
        Ok((record, merge))
    }

    /// Reads the patch of a field.
    fn patch_field(&mut self, field: &Field) -> Result<PatchStep, DecodeError> {
        match (self.reader.peek()?, field.cardinality) {
            (TokenKind::Null, _) => self.reader.null().map(|()| (None, Step::Whole)),
            (TokenKind::Object, Cardinality::Map(key)) => self.patch_map(key, field.kind),
            (_, Cardinality::Map(_) | Cardinality::Repeated) => Ok((self.field(field)?, Step::Whole)),
            _ => self.patch_value(field.kind),
        }
    }

    fn patch_map(&mut self, key: MapKey, kind: Kind) -> Result<PatchStep, DecodeError> {
        let entries = self.entries(key, &mut |decoder| match decoder.reader.peek()? {
            TokenKind::Null => decoder.reader.null().map(|()| (None, Step::Whole)),
            _ => decoder.patch_value(kind),
        })?;
        let (mut values, mut steps) = (Vec::new(), Vec::with_capacity(entries.len()));
        for (key, (value, step)) in entries {
            values.extend(value.map(|value| (key.clone(), value)));
            steps.push((key, step));
        }
        Ok((Some(Value::Map(values)), Step::Map(steps)))
    }

    /// Reads the patch of a value that is not null.
    fn patch_value(&mut self, kind: Kind) -> Result<PatchStep, DecodeError> {
        match (self.reader.peek()?, kind) {
            (_, Kind::Message(shape)) => {
                let (record, merge) = self.patch(shape)?;
                Ok((Some(Value::Message(record)), Step::Message(merge)))
            }
            (TokenKind::Object, Kind::Struct | Kind::Value) => {
                let patch = self.free_form()?;
                Ok((Some(Value::Json(merge_json(Json::Null, &patch))), Step::Json(patch)))
            }
            _ => Ok((Some(self.value(kind)?), Step::Whole)),
        }
    }
}
