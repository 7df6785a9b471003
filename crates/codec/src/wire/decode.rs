//! Decodes records from wire bytes.
//!
//! Occurrences of a singular message merge, which equals decoding their concatenation. Messages are therefore collected while
//! their parent is read, and each is decoded once at its end.

use super::reader::{Occurrence, Reader};
use super::scalar::{append_occurrence, decode_scalar};
use super::{WireType, well_known, wire_type};
use crate::error::DecodeError;
use crate::kinds;
use crate::limits::{Limits, shrink_list};
use crate::value::{Record, Value, key_order};
use groundplan_model::shape::{Cardinality, Field, FieldId, Kind, MapKey, Shape, ShapeId, Shapes};
use std::borrow::Cow;

/// How to handle fields that a shape does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnknownFields {
    Reject,
    /// They belong to another revision.
    Skip,
}

/// Decodes a message.
pub(super) fn decode(
    (shapes, shape): (&Shapes, ShapeId),
    bytes: &[u8],
    unknown: UnknownFields,
    mut limits: Limits,
) -> Result<Record, DecodeError> {
    // Texts and bytes are copied from the input.
    limits.charge_bytes(bytes.len())?;
    Decoder { shapes, limits, unknown }.record(shape, bytes)
}

/// The state of decoding one record at every depth.
struct Decoder<'s> {
    shapes: &'s Shapes,
    limits: Limits,
    unknown: UnknownFields,
}

/// A message being read.
struct Partial<'s, 'a> {
    shape: &'s Shape,
    record: Record,
    /// The singular messages, each with the bytes of all its occurrences so far.
    messages: Vec<(FieldId, Cow<'a, [u8]>)>,
    has_maps: bool,
}

impl Decoder<'_> {
    fn record(&mut self, shape: ShapeId, bytes: &[u8]) -> Result<Record, DecodeError> {
        let shape = self.shapes.get(shape);
        self.limits.enter()?;
        self.limits.charge_message(shape)?;
        let mut partial = Partial { shape, record: Record::new(shape), messages: Vec::new(), has_maps: false };
        let mut reader = Reader::new(bytes);
        while let Some(occurrence) = reader.next()? {
            let Some(id) = shape.by_number(occurrence.number) else {
                match self.unknown {
                    UnknownFields::Reject => return Err(occurrence.unknown(&shape.full_name)),
                    UnknownFields::Skip => occurrence.skip()?,
                }
                continue;
            };
            let field = shape.field(id);
            self.field(&mut partial, id, field, occurrence).map_err(|error| error.in_field(&field.name))?;
        }
        let record = self.finish(partial)?;
        self.limits.leave();
        Ok(record)
    }

    /// Reads one occurrence of a field.
    fn field<'a>(
        &mut self,
        partial: &mut Partial<'_, 'a>,
        id: FieldId,
        field: &Field,
        occurrence: Occurrence<'a, '_>,
    ) -> Result<(), DecodeError> {
        match field.cardinality {
            Cardinality::Repeated => self.elements(&mut partial.record, id, field.kind, occurrence),
            Cardinality::Map(key) => {
                partial.has_maps = true;
                let entry = self.entry(key, field.kind, occurrence.delimited()?)?;
                if let Some(Value::Map(entries)) = partial.record.get_or_insert(id, Value::Map(Vec::new())) {
                    entries.push(entry);
                }
                Ok(())
            }
            _ if is_message(field.kind) => {
                let bytes = occurrence.delimited()?;
                if !partial.add(&mut self.limits, id, bytes)? {
                    self.leave_oneof(partial, field)?;
                    partial.messages.push((id, Cow::Borrowed(bytes)));
                }
                Ok(())
            }
            _ => {
                let value = decode_scalar(field.kind, occurrence.value(wire_type(field.kind))?)?;
                self.leave_oneof(partial, field)?;
                partial.record.set_in(partial.shape, id, Some(value));
                Ok(())
            }
        }
    }

    /// Clears the other members of a field's oneof. They must be valid nevertheless.
    fn leave_oneof(&mut self, partial: &mut Partial<'_, '_>, field: &Field) -> Result<(), DecodeError> {
        let Cardinality::Oneof(oneof) = field.cardinality else { return Ok(()) };
        let shape = partial.shape;
        partial.record.clear_oneof(shape, oneof);
        let is_member = |(id, _): &mut (FieldId, _)| shape.field(*id).cardinality == Cardinality::Oneof(oneof);
        for (id, bytes) in partial.messages.extract_if(.., is_member) {
            self.message(shape.field(id).kind, &bytes)?;
        }
        Ok(())
    }

    /// Reads an element of a list, or a packed list of them.
    fn elements(
        &mut self,
        record: &mut Record,
        id: FieldId,
        kind: Kind,
        occurrence: Occurrence<'_, '_>,
    ) -> Result<(), DecodeError> {
        let element_type = wire_type(kind);
        let packed = element_type != WireType::Delimited && occurrence.is(WireType::Delimited);
        let index = match record.get(id) {
            Some(Value::List(elements)) => elements.len(),
            _ => 0,
        };
        if packed {
            let bytes = occurrence.delimited()?;
            if bytes.is_empty() {
                return Ok(());
            }
            if let Some(Value::List(elements)) = record.get_or_insert(id, Value::List(Vec::new())) {
                self.packed(kind, element_type, bytes, elements)?;
            }
            return Ok(());
        }
        if element_type == WireType::Delimited {
            self.limits.charge_elements(1)
        } else {
            self.limits.charge_numbers(1)
        }?;
        let reader = occurrence.value(element_type)?;
        let element = if is_message(kind) {
            self.message(kind, reader.delimited()?).map_err(|error| error.at_index(index))?
        } else {
            decode_scalar(kind, reader).map_err(|error| error.at_index(index))?
        };
        if let Some(Value::List(elements)) = record.get_or_insert(id, Value::List(Vec::new())) {
            elements.push(element);
        }
        Ok(())
    }

    fn packed(
        &mut self,
        kind: Kind,
        element_type: WireType,
        bytes: &[u8],
        elements: &mut Vec<Value>,
    ) -> Result<(), DecodeError> {
        let count = match element_type {
            WireType::Fixed32 => bytes.len() / 4,
            WireType::Fixed64 => bytes.len() / 8,
            // Only the last byte of a varint lacks the highest bit.
            _ => bytes.iter().filter(|byte| **byte < 0x80).count(),
        };
        self.limits.charge_numbers(count)?;
        elements.reserve_exact(count);
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let index = elements.len();
            elements.push(decode_scalar(kind, &mut reader).map_err(|error| error.at_index(index))?);
        }
        Ok(())
    }

    /// Reads an entry of a map. A missing key or value is zero, or an empty message.
    fn entry(&mut self, key: MapKey, kind: Kind, bytes: &[u8]) -> Result<(Value, Value), DecodeError> {
        self.limits.charge_entry()?;
        let key_kind = key.kind();
        let mut key = None;
        let mut value = None;
        let mut message: Cow<'_, [u8]> = Cow::Borrowed(&[]);
        let mut reader = Reader::new(bytes);
        while let Some(occurrence) = reader.next()? {
            match occurrence.number {
                1 => key = Some(decode_scalar(key_kind, occurrence.value(wire_type(key_kind))?)?),
                2 if is_message(kind) => append_occurrence(&mut self.limits, &mut message, occurrence.delimited()?)?,
                2 => value = Some(decode_scalar(kind, occurrence.value(wire_type(kind))?)?),
                _ => return Err(occurrence.unknown("an entry of a map")),
            }
        }
        let key = key.or_else(|| kinds::zero(key_kind)).unwrap_or(Value::Empty);
        let value = match value.or_else(|| kinds::zero(kind)) {
            Some(value) => value,
            None => self.message(kind, &message).map_err(|error| error.at_key(&key.key_text()))?,
        };
        Ok((key, value))
    }

    /// Decodes a message of a model or a well-known type.
    fn message(&mut self, kind: Kind, bytes: &[u8]) -> Result<Value, DecodeError> {
        match kind {
            Kind::Message(shape) => self.record(shape, bytes).map(Value::Message),
            _ => well_known::decode(&mut self.limits, kind, bytes),
        }
    }

    /// Decodes the collected messages and sorts the maps.
    fn finish(&mut self, partial: Partial<'_, '_>) -> Result<Record, DecodeError> {
        let Partial { shape, mut record, messages, has_maps } = partial;
        for (id, bytes) in messages {
            let field = shape.field(id);
            let value = self.message(field.kind, &bytes).map_err(|error| error.in_field(&field.name))?;
            // The other members of its oneof were cleared when it was collected.
            record.set(id, Some(value));
        }
        for (id, field) in shape.iter() {
            match field.cardinality {
                Cardinality::Map(_) if has_maps => {
                    if let Some(Value::Map(entries)) = record.get_mut(id) {
                        sort_entries(entries);
                        shrink_list(entries);
                    }
                }
                Cardinality::Repeated => {
                    if let Some(Value::List(elements)) = record.get_mut(id) {
                        shrink_list(elements);
                    }
                }
                _ => {}
            }
        }
        Ok(record)
    }
}

impl<'a> Partial<'_, 'a> {
    /// Appends the bytes of another occurrence of a singular message; returns false for the first occurrence.
    fn add(&mut self, limits: &mut Limits, id: FieldId, bytes: &'a [u8]) -> Result<bool, DecodeError> {
        // Search from the end, because occurrences of one field are usually adjacent.
        let collected = self.messages.iter_mut().rev().find(|(other, _)| *other == id);
        let Some((_, collected)) = collected else { return Ok(false) };
        append_occurrence(limits, collected, bytes)?;
        Ok(true)
    }
}

/// Whether a value is a message on the wire.
fn is_message(kind: Kind) -> bool {
    wire_type(kind) == WireType::Delimited && !matches!(kind, Kind::String | Kind::Bytes)
}

/// Sorts the entries of a map, and keeps the last one of equal keys.
fn sort_entries(entries: &mut Vec<(Value, Value)>) {
    if entries.is_sorted_by(|(left, _), (right, _)| key_order(left, right).is_lt()) {
        return;
    }
    entries.reverse();
    entries.sort_by(|(left, _), (right, _)| key_order(left, right));
    entries.dedup_by(|(later, _), (earlier, _)| key_order(later, earlier).is_eq());
}
