//! Message types, compiled for the codecs: tables to look up fields, without descriptors.

use std::collections::HashMap;
use std::ops::RangeInclusive;

/// All message types of a catalog. Types refer to each other by id, so recursive types need no special handling.
#[derive(Debug, Default)]
pub struct Shapes {
    pub(crate) shapes: Vec<Shape>,
    pub(crate) enums: Vec<EnumShape>,
    pub(crate) by_name: HashMap<String, ShapeId>,
}

/// The id of a message type in [`Shapes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShapeId(pub(crate) u32);

/// The id of an enum type in [`Shapes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnumId(pub(crate) u32);

/// The id of a field: its index in [`Shape::fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub u16);

/// A message type.
#[derive(Debug)]
pub struct Shape {
    /// The message's full name, such as `example.v1.Entity`.
    pub full_name: String,
    /// The message's comment, without markers.
    pub comment: String,
    /// The fields, sorted by number.
    pub fields: Vec<Field>,
    /// The oneofs with two or more members, sorted by name. Synthetic oneofs of `optional` fields are not included.
    pub oneofs: Vec<Oneof>,
    /// The fields with small numbers, by number; see [`Shape::by_number`].
    pub(crate) small_numbers: Vec<Option<FieldId>>,
    pub(crate) large_numbers: HashMap<u32, FieldId>,
    /// The fields by JSON name and by proto name.
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
    /// The name in the `.proto` file.
    pub name: String,
    /// The name in JSON: lowerCamelCase, or the value of `json_name`.
    pub json_name: String,
    /// The name of the column, or the key in stored JSON.
    pub storage_name: String,
    /// The field's comment, without markers.
    pub comment: String,
    pub kind: Kind,
    pub cardinality: Cardinality,
    pub behavior: Behavior,
    pub deprecated: bool,
}

/// The number of values of a field, and whether absence differs from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cardinality {
    /// One; zero and absent are the same.
    Implicit,
    /// One or none: `optional`, or a message.
    Explicit,
    /// One or none, and no other member of the oneof, whose index in [`Shape::oneofs`] this is.
    Oneof(u16),
    /// Any number, in order.
    Repeated,
    /// A map with keys of this type; `Kind` is that of its values.
    Map(MapKey),
}

/// The type of a map's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKey {
    Bool,
    Integer(Integer),
    String,
}

/// The type of a value.
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
    /// google.protobuf.Timestamp, with microseconds.
    Timestamp,
    /// google.protobuf.Duration, with microseconds.
    Duration,
    /// google.protobuf.DoubleValue and the other wrappers: a scalar that can be absent. Its cardinality is never
    /// implicit.
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

/// The type of a wrapper's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapped {
    Bool,
    Integer(Integer),
    Float,
    Double,
    String,
    Bytes,
}

/// The integer types with their encodings on the wire.
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

/// The behavior of a field, from `google.api.field_behavior`, its role and its formula.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behavior {
    pub required: bool,
    pub immutable: bool,
    pub output_only: bool,
    pub input_only: bool,
}

/// An enum type. Unknown numbers are valid values: proto3 enums are open.
#[derive(Debug)]
pub struct EnumShape {
    pub full_name: String,
    /// Names and numbers, in the order of declaration, including aliases.
    pub values: Vec<(String, i32)>,
    pub(crate) by_name: HashMap<String, i32>,
    pub(crate) by_number: HashMap<i32, String>,
}

impl Shapes {
    /// Returns the message type of an id of these shapes.
    pub fn get(&self, id: ShapeId) -> &Shape {
        &self.shapes[id.0 as usize]
    }

    /// Returns the enum type of an id of these shapes.
    pub fn enumeration(&self, id: EnumId) -> &EnumShape {
        &self.enums[id.0 as usize]
    }

    /// Finds a message type by its full name.
    pub fn by_name(&self, full_name: &str) -> Option<ShapeId> {
        self.by_name.get(full_name).copied()
    }
}

impl Shape {
    /// Returns the field of an id of this shape.
    pub fn field(&self, id: FieldId) -> &Field {
        &self.fields[usize::from(id.0)]
    }

    /// Finds a field by its number.
    pub fn by_number(&self, number: u32) -> Option<FieldId> {
        match self.small_numbers.get(number as usize) {
            Some(field) => *field,
            None => self.large_numbers.get(&number).copied(),
        }
    }

    /// Finds a field by its proto name or its JSON name.
    pub fn by_name(&self, name: &str) -> Option<FieldId> {
        self.names.get(name).copied()
    }

    /// Finds a field by its name in the database.
    pub fn by_storage_name(&self, name: &str) -> Option<FieldId> {
        self.storage_names.get(name).copied()
    }

    /// Lists the fields with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        self.fields.iter().zip(0..).map(|(field, at)| (FieldId(at), field))
    }
}

impl EnumShape {
    /// Returns the number of a value by its name.
    pub fn number(&self, name: &str) -> Option<i32> {
        self.by_name.get(name).copied()
    }

    /// Returns the first name of a number.
    pub fn name(&self, number: i32) -> Option<&str> {
        self.by_number.get(&number).map(String::as_str)
    }
}

impl Wrapped {
    /// Returns the kind of the wrapped value.
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
    /// Returns the kind of the keys.
    pub fn kind(self) -> Kind {
        match self {
            Self::Bool => Kind::Bool,
            Self::Integer(integer) => Kind::Integer(integer),
            Self::String => Kind::String,
        }
    }
}

impl Integer {
    /// Returns the type's name in a `.proto` file.
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

    /// Returns the range of the type's values.
    pub fn range(self) -> RangeInclusive<i128> {
        match self {
            Self::Int32 | Self::Sint32 | Self::Sfixed32 => i128::from(i32::MIN)..=i128::from(i32::MAX),
            Self::Uint32 | Self::Fixed32 => 0..=i128::from(u32::MAX),
            Self::Int64 | Self::Sint64 | Self::Sfixed64 => i128::from(i64::MIN)..=i128::from(i64::MAX),
            Self::Uint64 | Self::Fixed64 => 0..=i128::from(u64::MAX),
        }
    }

    /// Returns whether negative numbers are out of range.
    pub fn is_unsigned(self) -> bool {
        matches!(self, Self::Uint32 | Self::Fixed32 | Self::Uint64 | Self::Fixed64)
    }

    /// Returns whether the type has 64 bits.
    pub fn is_64_bit(self) -> bool {
        matches!(self, Self::Int64 | Self::Sint64 | Self::Sfixed64 | Self::Uint64 | Self::Fixed64)
    }

    /// Returns whether the range exceeds PostgreSQL's `bigint`.
    pub fn exceeds_bigint(self) -> bool {
        matches!(self, Self::Uint64 | Self::Fixed64)
    }
}
