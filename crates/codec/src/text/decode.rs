//! JSON text to records.

use super::Dialect;
use super::reader::{Next, Reader};
use super::scalar::{self, decode_text, expect, integer_key};
use crate::error::{DecodeError, shown};
use crate::limits::{Limits, shrink};
use crate::value::{Record, Value, key_order};
use crate::{field_mask, kinds, nearest, number};
use groundplan_model::shape::{Cardinality, Field, FieldId, Kind, MapKey, Shape, ShapeId, Shapes};
use serde_json::{Map, Value as Json};

/// Reads one JSON text.
pub(crate) struct Decoder<'a> {
    pub(super) shapes: &'a Shapes,
    dialect: Dialect,
    pub(super) reader: Reader<'a>,
    limits: Limits,
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
        // Texts are copied out of it.
        limits.bytes(text.len())?;
        Ok(Self { shapes, dialect, reader: Reader::new(text)?, limits })
    }

    /// Makes sure that the text ends here.
    pub(crate) fn end(mut self) -> Result<(), DecodeError> {
        self.reader.end()
    }

    /// Reads a message, and says which of its fields the text names.
    pub(crate) fn record(&mut self, shape: ShapeId) -> Result<(Record, Vec<FieldId>), DecodeError> {
        let mut present = Vec::new();
        let record = self.object(shape, &mut |decoder, id, field| {
            present.push(id);
            decoder.field(field)
        })?;
        Ok((record, present))
    }

    /// Reads an object that stands for a message. `read` reads the value of a field.
    pub(super) fn object(&mut self, shape: ShapeId, read: &mut ReadField<'_, Self>) -> Result<Record, DecodeError> {
        expect(&mut self.reader, Next::Object)?;
        let shape = self.shapes.get(shape);
        self.limits.enter()?;
        self.limits.message(shape)?;
        let mut record = Record::new(shape);
        let mut seen = Seen::default();
        let mut unknown = String::new();
        self.reader.open(b'{')?;
        let mut first = true;
        while let Some(key) = self.reader.next_key(&mut first)? {
            let Some(id) = self.lookup(shape, &key) else {
                match self.dialect {
                    Dialect::Proto => return Err(unknown_key(shape, &key)),
                    // A field of another revision, perhaps one that another process serves already.
                    Dialect::Storage => add_member(&mut unknown, &key, self.reader.raw()?),
                }
                continue;
            };
            let field = shape.field(id);
            if !seen.insert(id) {
                return Err(duplicate().in_field(&field.name));
            }
            if let Some(value) = read(self, id, field).map_err(|error| error.in_field(&field.name))? {
                refuse_second_member(shape, &record, field)?;
                record.set_in(shape, id, Some(value));
            }
        }
        self.limits.leave();
        record.set_unknown(unknown);
        Ok(record)
    }

    /// Reads what a field holds: `None` for a null that means absence.
    pub(crate) fn field(&mut self, field: &Field) -> Result<Option<Value>, DecodeError> {
        let single = !matches!(field.cardinality, Cardinality::Repeated | Cardinality::Map(_));
        if self.reader.peek()? == Next::Null && !(single && self.is_null_a_value(field.kind)) {
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
        expect(&mut self.reader, Next::Array)?;
        self.reader.open(b'[')?;
        let mut elements = Vec::new();
        let mut first = true;
        while self.reader.next_element(&mut first)? {
            self.limits.elements(1)?;
            let element = self.value(kind).map_err(|error| error.at_index(elements.len()))?;
            elements.push(element);
        }
        shrink(&mut elements);
        Ok(Value::List(elements))
    }

    fn map(&mut self, key_type: MapKey, kind: Kind) -> Result<Value, DecodeError> {
        self.entries(key_type, &mut |decoder| decoder.value(kind)).map(Value::Map)
    }

    /// Reads an object that stands for a map, sorted by its keys. `read` reads the value of a key.
    pub(super) fn entries<T>(
        &mut self,
        key_type: MapKey,
        read: &mut dyn FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<(Value, T)>, DecodeError> {
        expect(&mut self.reader, Next::Object)?;
        self.reader.open(b'{')?;
        let mut entries = Vec::new();
        let mut first = true;
        while let Some(key) = self.reader.next_key(&mut first)? {
            self.limits.entry()?;
            let entry = map_key(key_type, &key).and_then(|key| Ok((key, read(self)?)));
            entries.push(entry.map_err(|error| error.at_key(&key))?);
        }
        if !entries.is_sorted_by(|(left, _), (right, _)| key_order(left, right).is_lt()) {
            entries.sort_by(|(left, _), (right, _)| key_order(left, right));
            if entries.array_windows().any(|[(left, _), (right, _)]| left == right) {
                return Err(duplicate_key());
            }
        }
        shrink(&mut entries);
        Ok(entries)
    }

    /// Reads one value, which must be there.
    pub(super) fn value(&mut self, kind: Kind) -> Result<Value, DecodeError> {
        match kind {
            Kind::Message(shape) => self.record(shape).map(|(record, _)| Value::Message(record)),
            Kind::Wrapper(wrapped) => self.value(wrapped.kind()),
            Kind::FieldMask => self.field_mask().map(Value::FieldMask),
            Kind::Struct => {
                expect(&mut self.reader, Next::Object)?;
                self.any().map(Value::Json)
            }
            Kind::ListValue => {
                expect(&mut self.reader, Next::Array)?;
                self.any().map(Value::Json)
            }
            Kind::Value => self.any().map(Value::Json),
            Kind::Empty => self.empty(),
            _ => scalar::decode(self.shapes, kind, &mut self.reader),
        }
    }

    fn empty(&mut self) -> Result<Value, DecodeError> {
        expect(&mut self.reader, Next::Object)?;
        self.reader.open(b'{')?;
        match self.reader.next_key(&mut true)? {
            None => Ok(Value::Empty),
            Some(_) => Err(DecodeError::new("unknown_field", "must be {}, since google.protobuf.Empty has no fields")),
        }
    }

    /// Clients may write `"a.b,cD"` or `{"paths": ["a.b", "cD"]}`; storage has the paths as they are.
    fn field_mask(&mut self) -> Result<Vec<String>, DecodeError> {
        match (self.dialect, self.reader.peek()?) {
            (Dialect::Storage, _) => self.paths(|path| Ok(path.to_owned())),
            (Dialect::Proto, Next::String) => {
                let text = decode_text(&mut self.reader)?;
                if text.is_empty() {
                    return Ok(Vec::new());
                }
                self.limits.elements(text.bytes().filter(|byte| *byte == b',').count() + 1)?;
                text.split(',').map(field_mask::of_json).collect()
            }
            (Dialect::Proto, Next::Object) => {
                self.reader.open(b'{')?;
                let mut paths = None;
                let mut first = true;
                while let Some(key) = self.reader.next_key(&mut first)? {
                    if key != "paths" {
                        let message = "is not a field of google.protobuf.FieldMask, which has paths only";
                        return Err(DecodeError::new("unknown_field", message).in_field(&key));
                    }
                    if paths.replace(self.paths(field_mask::of_object)?).is_some() {
                        return Err(duplicate().in_field("paths"));
                    }
                }
                Ok(paths.unwrap_or_default())
            }
            (Dialect::Proto, found) => {
                Err(DecodeError::json_type("a string such as \"title,author.name\"", found.name()))
            }
        }
    }

    fn paths(&mut self, convert: fn(&str) -> Result<String, DecodeError>) -> Result<Vec<String>, DecodeError> {
        expect(&mut self.reader, Next::Array)?;
        self.reader.open(b'[')?;
        let mut paths = Vec::new();
        let mut first = true;
        while self.reader.next_element(&mut first)? {
            self.limits.elements(1)?;
            paths.push(convert(&decode_text(&mut self.reader)?)?);
        }
        Ok(paths)
    }

    /// Reads what a `google.protobuf.Value` holds: any JSON.
    pub(super) fn any(&mut self) -> Result<Json, DecodeError> {
        self.limits.json()?;
        match self.reader.peek()? {
            Next::Null => self.reader.null().map(|()| Json::Null),
            Next::Bool => self.reader.bool().map(Json::Bool),
            Next::String => decode_text(&mut self.reader).map(|text| Json::String(text.into_owned())),
            Next::Number => {
                let text = self.reader.number()?;
                let value = number::parse_double(text)?;
                if self.dialect == Dialect::Proto {
                    number::keep_digits(text, value)?;
                }
                // It is finite, so there is a number.
                Ok(number::in_struct(value).map_or(Json::Null, Json::Number))
            }
            Next::Array => {
                self.limits.enter()?;
                let elements = self.any_array()?;
                self.limits.leave();
                Ok(Json::Array(elements))
            }
            Next::Object => {
                self.limits.enter()?;
                let members = self.any_object()?;
                self.limits.leave();
                Ok(Json::Object(members))
            }
        }
    }

    fn any_array(&mut self) -> Result<Vec<Json>, DecodeError> {
        self.reader.open(b'[')?;
        let mut elements = Vec::new();
        let mut first = true;
        while self.reader.next_element(&mut first)? {
            elements.push(self.any().map_err(|error| error.at_index(elements.len()))?);
        }
        shrink(&mut elements);
        Ok(elements)
    }

    fn any_object(&mut self) -> Result<Map<String, Json>, DecodeError> {
        self.reader.open(b'{')?;
        let mut members = Map::new();
        let mut first = true;
        while let Some(key) = self.reader.next_key(&mut first)? {
            kinds::without_nul(&key)?;
            let value = self.any().map_err(|error| error.at_key(&key))?;
            if members.contains_key(key.as_ref()) {
                return Err(duplicate().at_key(&key));
            }
            members.insert(key.into_owned(), value);
        }
        Ok(members)
    }
}

/// The fields that an object already named.
#[derive(Default)]
struct Seen {
    small: u64,
    large: Vec<u64>,
}

impl Seen {
    /// Whether the field is new.
    fn insert(&mut self, field: FieldId) -> bool {
        let place = usize::from(field.0) / 64;
        let bits = if place == 0 {
            &mut self.small
        } else {
            if self.large.len() < place {
                self.large.resize(place, 0);
            }
            &mut self.large[place - 1]
        };
        let bit = 1_u64 << (field.0 % 64);
        let new = *bits & bit == 0;
        *bits |= bit;
        new
    }
}

/// Adds a member to those of an object, as text.
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
        MapKey::String => kinds::without_nul(text).map(|key| Value::String(key.to_owned())),
        MapKey::Integer(integer) => integer_key(integer, text),
        MapKey::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(DecodeError::new("map_key", "is not a key of this map: its keys are \"true\" and \"false\"")),
        },
    }
}

fn refuse_second_member(shape: &Shape, record: &Record, field: &Field) -> Result<(), DecodeError> {
    let Cardinality::Oneof(oneof) = field.cardinality else { return Ok(()) };
    match record.oneof_member(shape, oneof) {
        None => Ok(()),
        Some(member) => {
            let message =
                format!("cannot be set together with {}: a oneof has one value at most", shape.field(member).name);
            Err(DecodeError::new("oneof", message).in_field(&field.name))
        }
    }
}

#[cold]
fn unknown_key(shape: &Shape, key: &str) -> DecodeError {
    let suggestion = nearest::suggestion(key, shape.fields.iter().map(|field| field.json_name.as_str()));
    let message = format!("is not a field of {}{suggestion}", shape.full_name);
    DecodeError::new("unknown_field", message).in_field(shown(key).as_ref())
}

#[cold]
fn duplicate() -> DecodeError {
    DecodeError::new("duplicate_key", "is there more than once (its JSON name and its proto name are one field)")
}

#[cold]
fn duplicate_key() -> DecodeError {
    DecodeError::new("duplicate_key", "has a key more than once")
}
