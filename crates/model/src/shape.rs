//! Message types, compiled for the codecs: tables to look fields up in, no descriptors.

use std::collections::HashMap;
use std::ops::RangeInclusive;

/// All message types of a catalog. Types refer to each other by id, so recursive ones are no trouble.
#[derive(Debug, Default)]
pub struct Shapes {
    pub(crate) shapes: Vec<Shape>,
    pub(crate) enums: Vec<EnumShape>,
    pub(crate) by_name: HashMap<String, ShapeId>,
}

/// A message type among [`Shapes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShapeId(pub(crate) u32);

/// An enum type among [`Shapes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnumId(pub(crate) u32);

/// A field of a shape: its place in [`Shape::fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub u16);

/// A message type.
#[derive(Debug)]
pub struct Shape {
    /// Such as `example.v1.Entity`.
    pub full_name: String,
    /// The message's first comment, without markers.
    pub comment: String,
    /// In the order of their numbers.
    pub fields: Vec<Field>,
    /// The members of each oneof with two or more possible members (synthetic ones of `optional` are not here), by name.
    pub oneofs: Vec<Oneof>,
    /// Dense for small numbers; see [`Shape::by_number`].
    pub(crate) small_numbers: Vec<Option<FieldId>>,
    pub(crate) large_numbers: HashMap<u32, FieldId>,
    /// Both the JSON name and the proto name.
    pub(crate) names: HashMap<String, FieldId>,
    pub(crate) storage_names: HashMap<String, FieldId>,
}

/// A oneof: at most one of its members is set.
#[derive(Clone, Debug)]
pub struct Oneof {
    pub name: String,
    pub members: Vec<FieldId>,
}

/// A field of a message.
#[derive(Clone, Debug)]
pub struct Field {
    pub number: u32,
    /// As in the `.proto`.
    pub name: String,
    /// As in JSON: lowerCamel, or what `json_name` says.
    pub json_name: String,
    /// The column, or the key in stored JSON.
    pub storage_name: String,
    /// The field's comment, without markers.
    pub comment: String,
    pub kind: Kind,
    pub cardinality: Cardinality,
    pub behavior: Behavior,
    pub deprecated: bool,
}

/// How many values a field has, and whether absence can be told from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cardinality {
    /// One; zero and absent are the same.
    Implicit,
    /// One or none: `optional`, or a message.
    Explicit,
    /// One or none, and no other of the oneof's members (its place in [`Shape::oneofs`]).
    Oneof(u16),
    /// Any number, in order.
    Repeated,
    /// A map; `Kind` is that of its values, this that of its keys.
    Map(MapKey),
}

/// What a map's keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKey {
    Bool,
    Integer(Integer),
    String,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Integer(Integer),
    Float,
    Double,
    String,
    Bytes,
    Enum(EnumId),
    /// A message with fields of its own.
    Message(ShapeId),
    /// google.protobuf.Timestamp, kept in microseconds.
    Timestamp,
    /// google.protobuf.Duration, kept in microseconds.
    Duration,
    /// google.protobuf.DoubleValue and its like: a scalar that may be absent. Never of a oneof's, list's or map's implicit presence.
    Wrapper(Wrapped),
    /// google.protobuf.FieldMask.
    FieldMask,
    /// google.protobuf.Struct.
    Struct,
    /// google.protobuf.Value.
    Value,
    /// google.protobuf.ListValue.
    ListValue,
    /// google.protobuf.Empty.
    Empty,
}

/// What a wrapper holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapped {
    Bool,
    Integer(Integer),
    Float,
    Double,
    String,
    Bytes,
}

/// The integer types, each with its encoding on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integer {
    Int32,
    Sint32,
    Sfixed32,
    Uint32,
    Fixed32,
    Int64,
    Sint64,
    Sfixed64,
    Uint64,
    Fixed64,
}

/// `google.api.field_behavior`, and what the system's roles imply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behavior {
    pub required: bool,
    pub immutable: bool,
    pub output_only: bool,
    pub input_only: bool,
}

/// An enum type. Numbers that it does not know are valid values: proto3 enums are open.
#[derive(Debug)]
pub struct EnumShape {
    pub full_name: String,
    /// Name and number, in the order of declaration; aliases included.
    pub values: Vec<(String, i32)>,
    pub(crate) by_name: HashMap<String, i32>,
    pub(crate) by_number: HashMap<i32, String>,
}

impl Shapes {
    /// The message type of an id that came from these shapes.
    pub fn get(&self, id: ShapeId) -> &Shape {
        &self.shapes[id.0 as usize]
    }

    /// The enum type of an id that came from these shapes.
    pub fn enumeration(&self, id: EnumId) -> &EnumShape {
        &self.enums[id.0 as usize]
    }

    /// The message type of a full name.
    pub fn by_name(&self, full_name: &str) -> Option<ShapeId> {
        self.by_name.get(full_name).copied()
    }
}

impl Shape {
    /// The field of an id that came from this shape.
    pub fn field(&self, id: FieldId) -> &Field {
        &self.fields[usize::from(id.0)]
    }

    /// The field of a number.
    pub fn by_number(&self, number: u32) -> Option<FieldId> {
        match self.small_numbers.get(number as usize) {
            Some(field) => *field,
            None => self.large_numbers.get(&number).copied(),
        }
    }

    /// The field of a proto name or a JSON name.
    pub fn by_name(&self, name: &str) -> Option<FieldId> {
        self.names.get(name).copied()
    }

    /// The field of a name in storage.
    pub fn by_storage_name(&self, name: &str) -> Option<FieldId> {
        self.storage_names.get(name).copied()
    }

    /// The fields with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        self.fields.iter().zip(0..).map(|(field, at)| (FieldId(at), field))
    }
}

impl EnumShape {
    /// The number of a value's name.
    pub fn number(&self, name: &str) -> Option<i32> {
        self.by_name.get(name).copied()
    }

    /// The (first) name of a number.
    pub fn name(&self, number: i32) -> Option<&str> {
        self.by_number.get(&number).map(String::as_str)
    }
}

impl Wrapped {
    /// The kind of the value inside.
    pub fn kind(self) -> Kind {
        match self {
            Self::Bool => Kind::Bool,
            Self::Integer(integer) => Kind::Integer(integer),
            Self::Float => Kind::Float,
            Self::Double => Kind::Double,
            Self::String => Kind::String,
            Self::Bytes => Kind::Bytes,
        }
    }
}

impl MapKey {
    /// The kind of the keys.
    pub fn kind(self) -> Kind {
        match self {
            Self::Bool => Kind::Bool,
            Self::Integer(integer) => Kind::Integer(integer),
            Self::String => Kind::String,
        }
    }
}

impl Integer {
    /// The type's name in a `.proto` file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int32 => "int32",
            Self::Sint32 => "sint32",
            Self::Sfixed32 => "sfixed32",
            Self::Uint32 => "uint32",
            Self::Fixed32 => "fixed32",
            Self::Int64 => "int64",
            Self::Sint64 => "sint64",
            Self::Sfixed64 => "sfixed64",
            Self::Uint64 => "uint64",
            Self::Fixed64 => "fixed64",
        }
    }

    /// The integers of the type.
    pub fn range(self) -> RangeInclusive<i128> {
        match self {
            Self::Int32 | Self::Sint32 | Self::Sfixed32 => i128::from(i32::MIN)..=i128::from(i32::MAX),
            Self::Uint32 | Self::Fixed32 => 0..=i128::from(u32::MAX),
            Self::Int64 | Self::Sint64 | Self::Sfixed64 => i128::from(i64::MIN)..=i128::from(i64::MAX),
            Self::Uint64 | Self::Fixed64 => 0..=i128::from(u64::MAX),
        }
    }

    /// Whether negative numbers are out of range.
    pub fn is_unsigned(self) -> bool {
        matches!(self, Self::Uint32 | Self::Fixed32 | Self::Uint64 | Self::Fixed64)
    }

    /// Whether 64 bits are in range.
    pub fn is_64_bit(self) -> bool {
        matches!(self, Self::Int64 | Self::Sint64 | Self::Sfixed64 | Self::Uint64 | Self::Fixed64)
    }

    /// Whether the range goes beyond PostgreSQL's `bigint`.
    pub fn exceeds_bigint(self) -> bool {
        matches!(self, Self::Uint64 | Self::Fixed64)
    }
}
