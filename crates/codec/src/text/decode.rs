//! Decodes records from JSON text.

use super::Dialect;
use super::reader::{Reader, TokenKind};
use super::scalar::{self, expect, integer_key};
use crate::error::{DecodeError, shorten_name};
use crate::limits::{Limits, shrink_list};
use crate::value::{Record, Value, key_order};
use crate::{kinds, nearest};
use groundplan_model::shape::{Cardinality, Field, FieldId, Kind, MapKey, Shape, ShapeId, Shapes};
use serde_json::Value as Json;

/// Reads one JSON text.
pub(crate) struct Decoder<'a> {
    pub(super) shapes: &'a Shapes,
    pub(super) dialect: Dialect,
    pub(super) reader: Reader<'a>,
    pub(super) limits: Limits,
}

/// Reads the value of a field.
type ReadField<'r, D> = dyn FnMut(&mut D, FieldId, &Field) -> Result<Option<Value>, DecodeError> + 'r;

impl<'a> Decoder<'a> {
    pub(crate) fn new(
        shapes: &'a Shapes,
        dialect: Dialect,
        text: &'a [u8],
        mut limits: Limits,
    ) -> Result<Self, DecodeError> {
        // Texts are copied from the input.
        limits.charge_bytes(text.len())?;
        Ok(Self { shapes, dialect, reader: Reader::new(text)?, limits })
    }

    /// Checks that the text ends here.
    pub(crate) fn end(mut self) -> Result<(), DecodeError> {
        self.reader.end()
    }

    /// Reads a message, and the fields that the text names.
    pub(crate) fn record(&mut self, shape: ShapeId) -> Result<(Record, Vec<FieldId>), DecodeError> {
        let mut present = Vec::new();
        let record = self.object(shape, &mut |decoder, id, field| {
            present.push(id);
            decoder.field(field)
        })?;
        Ok((record, present))
    }

    /// Reads an object that represents a message. `read` reads the value of a field.
    pub(super) fn object(&mut self, shape: ShapeId, read: &mut ReadField<'_, Self>) -> Result<Record, DecodeError> {
        expect(&mut self.reader, TokenKind::Object)?;
        let shape = self.shapes.get(shape);
        self.limits.enter()?;
        self.limits.charge_message(shape)?;
        let mut record = Record::new(shape);
        let mut seen = FieldSet::default();
        let mut unknown = String::new();
        self.reader.open(b'{')?;
        let mut first = true;
        while let Some(key) = self.reader.next_key(&mut first)? {
            let Some(id) = self.lookup(shape, &key) else {
                match self.dialect {
                    Dialect::Proto => return Err(unknown_key(shape, &key)),
                    // A field of another revision, which another process might serve already.
                    Dialect::Storage => add_member(&mut unknown, &key, self.reader.raw()?),
                }
                continue;
            };
            let field = shape.field(id);
            if !seen.insert(id) {
                return Err(duplicate().in_field(&field.name));
            }
            if let Some(value) = read(self, id, field).map_err(|error| error.in_field(&field.name))? {
                reject_second_member(shape, &record, field)?;
                record.set_in(shape, id, Some(value));
            }
        }
        self.limits.leave();
        record.set_unknown(unknown);
        Ok(record)
    }

    /// Reads a field's value: `None` for a null that means absence.
    pub(crate) fn field(&mut self, field: &Field) -> Result<Option<Value>, DecodeError> {
        let single = !matches!(field.cardinality, Cardinality::Repeated | Cardinality::Map(_));
        if self.reader.peek()? == TokenKind::Null && !(single && self.is_null_a_value(field.kind)) {
            self.reader.null()?;
            return Ok(None);
        }
        match field.cardinality {
            Cardinality::Repeated => self.list(field.kind).map(Some),
            Cardinality::Map(key) => self.map(key, field.kind).map(Some),
            _ => self.value(field.kind).map(Some),
        }
    }

    fn lookup(&self, shape: &Shape, key: &str) -> Option<FieldId> {
        match self.dialect {
            Dialect::Proto => shape.by_name(key),
            Dialect::Storage => shape.by_storage_name(key),
        }
    }

    fn is_null_a_value(&self, kind: Kind) -> bool {
        match kind {
            Kind::Value => true,
            Kind::Enum(id) => kinds::is_null_value(self.shapes.enumeration(id)),
            _ => false,
        }
    }

    fn list(&mut self, kind: Kind) -> Result<Value, DecodeError> {
        expect(&mut self.reader, TokenKind::Array)?;
        self.reader.open(b'[')?;
        let mut elements = Vec::new();
        let mut first = true;
        while self.reader.next_element(&mut first)? {
            self.limits.charge_elements(1)?;
            let element = self.value(kind).map_err(|error| error.at_index(elements.len()))?;
            elements.push(element);
        }
        shrink_list(&mut elements);
        Ok(Value::List(elements))
    }

    fn map(&mut self, key_type: MapKey, kind: Kind) -> Result<Value, DecodeError> {
        self.entries(key_type, &mut |decoder| decoder.value(kind)).map(Value::Map)
    }

    /// Reads an object that represents a map, sorted by its keys. `read` reads the value of a key.
    pub(super) fn entries<T>(
        &mut self,
        key_type: MapKey,
        read: &mut dyn FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<(Value, T)>, DecodeError> {
        expect(&mut self.reader, TokenKind::Object)?;
        self.reader.open(b'{')?;
        let mut entries = Vec::new();
        let mut first = true;
        while let Some(key) = self.reader.next_key(&mut first)? {
            self.limits.charge_entry()?;
            let entry = map_key(key_type, &key).and_then(|key| Ok((key, read(self)?)));
            entries.push(entry.map_err(|error| error.at_key(&key))?);
        }
        if !entries.is_sorted_by(|(left, _), (right, _)| key_order(left, right).is_lt()) {
            entries.sort_by(|(left, _), (right, _)| key_order(left, right));
            if entries.array_windows().any(|[(left, _), (right, _)]| left == right) {
                return Err(duplicate_key());
            }
        }
        shrink_list(&mut entries);
        Ok(entries)
    }

    /// Reads one value that is not absent.
    pub(super) fn value(&mut self, kind: Kind) -> Result<Value, DecodeError> {
        match kind {
            Kind::Message(shape) => self.record(shape).map(|(record, _)| Value::Message(record)),
            Kind::Wrapper(wrapped) => self.value(wrapped.kind()),
            Kind::FieldMask => self.field_mask().map(Value::FieldMask),
            Kind::Struct => {
                expect(&mut self.reader, TokenKind::Object)?;
                self.free_form().map(Value::Json)
            }
            Kind::ListValue => {
                expect(&mut self.reader, TokenKind::Array)?;
                self.free_form().map(Value::Json)
            }
            Kind::Value => self.free_form().map(Value::Json),
            Kind::Empty => self.empty(),
            _ => scalar::decode(self.shapes, kind, &mut self.reader),
        }
    }
}

/// A set of fields.
#[derive(Default)]
struct FieldSet {
    small: u64,
    large: Vec<u64>,
}

impl FieldSet {
    /// Adds a field, and returns whether it is new.
    fn insert(&mut self, field: FieldId) -> bool {
        let word = usize::from(field.0) / 64;
        let bits = if word == 0 {
            &mut self.small
        } else {
            if self.large.len() < word {
                self.large.resize(word, 0);
            }
            &mut self.large[word - 1]
        };
        let bit = 1_u64 << (field.0 % 64);
        let new = *bits & bit == 0;
        *bits |= bit;
        new
    }
}

/// Appends a member to the text of an object's members.
fn add_member(members: &mut String, key: &str, value: &str) {
    if !members.is_empty() {
        members.push(',');
    }
    members.push_str(&Json::from(key).to_string());
    members.push(':');
    members.push_str(value);
}

fn map_key(key_type: MapKey, text: &str) -> Result<Value, DecodeError> {
    match key_type {
        MapKey::String => kinds::reject_nul(text).map(|key| Value::String(key.to_owned())),
        MapKey::Integer(integer) => integer_key(integer, text),
        MapKey::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(DecodeError::new("map_key", "is not a key of this map: its keys are \"true\" and \"false\"")),
        },
    }
}

fn reject_second_member(shape: &Shape, record: &Record, field: &Field) -> Result<(), DecodeError> {
    let Cardinality::Oneof(oneof) = field.cardinality else { return Ok(()) };
    match record.oneof_member(shape, oneof) {
        None => Ok(()),
        Some(member) => {
            let message =
                format!("cannot be set together with {}: a oneof has at most one value", shape.field(member).name);
            Err(DecodeError::new("oneof", message).in_field(&field.name))
        }
    }
}

#[cold]
fn unknown_key(shape: &Shape, key: &str) -> DecodeError {
    let suggestion = nearest::suggestion(key, shape.fields.iter().map(|field| field.json_name.as_str()));
    let message = format!("is not a field of {}{suggestion}", shape.full_name);
    DecodeError::new("unknown_field", message).in_field(shorten_name(key).as_ref())
}

#[cold]
pub(super) fn duplicate() -> DecodeError {
    DecodeError::new("duplicate_key", "occurs more than once (its JSON name and its proto name are the same field)")
}

#[cold]
fn duplicate_key() -> DecodeError {
    DecodeError::new("duplicate_key", "has a key more than once")
}
