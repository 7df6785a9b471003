//! A record in memory: one value per field, independent of the encoding that it was decoded from.

use bytes::Bytes;
use groundplan_model::shape::{Cardinality, FieldId, Shape};
use std::cmp::Ordering;

/// The maximum overhead of allocating a text or bytes, in bytes; empty ones allocate nothing.
pub(crate) const ALLOCATION: usize = 32;

/// The size of a member of a JSON object in bytes: its share of a half-full tree node, and its key.
pub(crate) const MEMBER: usize = 2 * (size_of::<String>() + size_of::<serde_json::Value>()) + ALLOCATION;

/// The value of a field, or of an element of one.
#[derive(Clone, Debug)]
pub enum Value {
    Bool(bool),
    /// All integers except unsigned ones of 64 bits.
    Int(i64),
    /// `uint64` and `fixed64`.
    Uint(u64),
    /// `double`, and `float` widened.
    Double(f64),
    String(String),
    Bytes(Bytes),
    Enum(i32),
    /// Microseconds since the Unix epoch.
    Timestamp(i64),
    /// Microseconds.
    Duration(i64),
    List(Vec<Value>),
    /// Keys are unique and sorted.
    Map(Vec<(Value, Value)>),
    Message(Record),
    /// Paths in snake_case.
    FieldMask(Vec<String>),
    /// A `google.protobuf.Struct`, `Value` or `ListValue`.
    Json(serde_json::Value),
    /// A `google.protobuf.Empty`.
    Empty,
}

/// The fields of a message, each absent or a value.
///
/// Zero in a field without presence, an empty list and an empty map are absent: [`Record::set_in`] ensures that.
#[derive(Clone, Debug)]
pub struct Record {
    fields: Box<[Option<Value>]>,
    /// Fields of a stored message that its shape does not have: members of a JSON object as text, separated by commas.
    unknown: Option<Box<str>>,
}

/// A stored record.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Includes the model's etag field, if it has one.
    pub record: Record,
    /// The record's version, as clients see it.
    pub etag: String,
}

impl Record {
    /// Returns a record without values.
    pub fn new(shape: &Shape) -> Self {
        Self { fields: vec![None; shape.fields.len()].into_boxed_slice(), unknown: None }
    }

    /// Returns the value of a field of the record's shape.
    pub fn get(&self, field: FieldId) -> Option<&Value> {
        self.fields.get(usize::from(field.0))?.as_ref()
    }

    /// Returns a mutable reference to the value of a field.
    pub fn get_mut(&mut self, field: FieldId) -> Option<&mut Value> {
        self.fields.get_mut(usize::from(field.0))?.as_mut()
    }

    /// Sets a value without changing other fields. Empty lists and maps become absent.
    ///
    /// This ignores presence and oneofs: use [`Record::set_in`] unless the value comes from a record of the same shape.
    pub fn set(&mut self, field: FieldId, value: Option<Value>) {
        let value = value.filter(|value| !value.is_empty_collection());
        if let Some(slot) = self.fields.get_mut(usize::from(field.0)) {
            *slot = value;
        }
    }

    /// Sets a field like protobuf: zero without presence is absent, and a member of a oneof clears the others.
    pub fn set_in(&mut self, shape: &Shape, field: FieldId, value: Option<Value>) {
        match shape.field(field).cardinality {
            Cardinality::Implicit => self.set(field, value.filter(|value| !value.is_zero())),
            Cardinality::Oneof(oneof) => {
                if value.is_some() {
                    self.clear_oneof(shape, oneof);
                }
                self.set(field, value);
            }
            Cardinality::Explicit | Cardinality::Repeated | Cardinality::Map(_) => self.set(field, value),
        }
    }

    /// Removes and returns a value.
    pub fn take(&mut self, field: FieldId) -> Option<Value> {
        self.fields.get_mut(usize::from(field.0))?.take()
    }

    /// Iterates over the fields with a value, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (FieldId, &Value)> {
        self.fields.iter().zip(0..).filter_map(|(value, at)| Some((FieldId(at), value.as_ref()?)))
    }

    /// Whether no field has a value.
    pub fn is_empty(&self) -> bool {
        self.fields.iter().all(Option::is_none)
    }

    /// Returns its approximate size in memory, in bytes.
    pub fn memory(&self) -> usize {
        let values = self.fields.iter().flatten().map(Value::allocated);
        size_of_val(&*self.fields) + values.sum::<usize>() + self.unknown.as_ref().map_or(0, |text| text.len())
    }

    /// Returns the member of a oneof that is set.
    pub(crate) fn oneof_member(&self, shape: &Shape, oneof: u16) -> Option<FieldId> {
        let members = &shape.oneofs.get(usize::from(oneof))?.members;
        members.iter().copied().find(|member| self.get(*member).is_some())
    }

    /// Returns the value of a list or map field, created if absent. The caller must add an element.
    pub(crate) fn get_or_insert(&mut self, field: FieldId, empty: Value) -> Option<&mut Value> {
        Some(self.fields.get_mut(usize::from(field.0))?.get_or_insert(empty))
    }

    /// Returns the members that [`Record::set_unknown`] stored.
    pub(crate) fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// Stores members of a stored object that the shape does not have. Only the JSON of columns contains them.
    pub(crate) fn set_unknown(&mut self, members: String) {
        self.unknown = Some(members.into_boxed_str()).filter(|members| !members.is_empty());
    }

    pub(crate) fn clear_oneof(&mut self, shape: &Shape, oneof: u16) {
        for member in shape.oneofs.get(usize::from(oneof)).map_or(&[][..], |oneof| &oneof.members) {
            self.take(*member);
        }
    }
}

/// Records are equal when their fields are; unknown members are not compared.
impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl Value {
    /// Returns the text of a map's key in JSON and errors; empty for a value that cannot be a key.
    pub(crate) fn key_text(&self) -> String {
        match self {
            Self::Bool(key) => key.to_string(),
            Self::Int(key) => key.to_string(),
            Self::Uint(key) => key.to_string(),
            Self::String(key) => key.clone(),
            _ => String::new(),
        }
    }

    /// Whether a field without presence would be absent with this value. Negative zero is not zero.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Bool(value) => !value,
            Self::Int(value) => *value == 0,
            Self::Uint(value) => *value == 0,
            Self::Double(value) => value.to_bits() == 0,
            Self::String(value) => value.is_empty(),
            Self::Bytes(value) => value.is_empty(),
            Self::Enum(value) => *value == 0,
            Self::List(_) | Self::Map(_) => self.is_empty_collection(),
            Self::Timestamp(_) | Self::Duration(_) | Self::Message(_) => false,
            Self::FieldMask(_) | Self::Json(_) | Self::Empty => false,
        }
    }

    /// Returns approximately how many bytes it has allocated.
    fn allocated(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(elements) => size_of_val(&**elements) + elements.iter().map(Self::allocated).sum::<usize>(),
            Self::Map(entries) => {
                let within = entries.iter().map(|(key, value)| key.allocated() + value.allocated());
                size_of_val(&**entries) + within.sum::<usize>()
            }
            Self::Message(record) => record.memory(),
            Self::FieldMask(paths) => size_of_val(&**paths) + paths.iter().map(String::len).sum::<usize>(),
            Self::Json(json) => allocated_by_json(json),
            _ => 0,
        }
    }

    /// Returns a floating-point value with a canonical NaN.
    pub(crate) fn double(value: f64) -> Self {
        Self::Double(if value.is_nan() { f64::NAN } else { value })
    }

    fn is_empty_collection(&self) -> bool {
        match self {
            Self::List(elements) => elements.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            _ => false,
        }
    }
}

/// Returns approximately how many bytes a JSON value has allocated.
fn allocated_by_json(json: &serde_json::Value) -> usize {
    match json {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(elements) => {
            size_of_val(&**elements) + elements.iter().map(allocated_by_json).sum::<usize>()
        }
        serde_json::Value::Object(members) => {
            members.iter().map(|(key, value)| MEMBER + key.len() + allocated_by_json(value)).sum()
        }
        _ => 0,
    }
}

/// Doubles are equal when their bits are: NaN equals itself, and negative zero differs from zero.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Int(left), Self::Int(right)) => left == right,
            (Self::Uint(left), Self::Uint(right)) => left == right,
            (Self::Double(left), Self::Double(right)) => left.to_bits() == right.to_bits(),
            (Self::String(left), Self::String(right)) => left == right,
            (Self::Bytes(left), Self::Bytes(right)) => left == right,
            (Self::Enum(left), Self::Enum(right)) => left == right,
            (Self::Timestamp(left), Self::Timestamp(right)) => left == right,
            (Self::Duration(left), Self::Duration(right)) => left == right,
            (Self::List(left), Self::List(right)) => left == right,
            (Self::Map(left), Self::Map(right)) => left == right,
            (Self::Message(left), Self::Message(right)) => left == right,
            (Self::FieldMask(left), Self::FieldMask(right)) => left == right,
            (Self::Json(left), Self::Json(right)) => left == right,
            (Self::Empty, Self::Empty) => true,
            _ => false,
        }
    }
}

/// Orders map keys: numbers by value, and strings by their bytes.
pub(crate) fn key_order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Uint(left), Value::Uint(right)) => left.cmp(right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        // The keys of a map have one type.
        _ => Ordering::Equal,
    }
}
