//! The types of expressions, and those of fields.

use groundplan_model::shape::{Cardinality, EnumId, Field, Kind, MapKey, ShapeId, Wrapped};

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    /// All signed integers: 64 bits in CEL.
    Int,
    /// Unsigned integers: 64 bits in CEL.
    Uint,
    /// `double`, and `float` widened.
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    /// Compares with its numbers and, resolved by the checker, its names.
    Enum(EnumId),
    /// A message of a model. Expressions read its fields, but not the message as a value.
    Message(ShapeId),
    /// A repeated field, or a list of constants.
    List(Box<Type>),
    Map(MapKey, Box<Type>),
    /// google.protobuf.Struct, Value, ListValue, FieldMask and Empty: only `has` and, for lists, `size` read them.
    Opaque,
    /// Only `null` itself.
    Null,
}

impl Type {
    /// Returns the type of one value of a kind.
    pub(crate) fn from_kind(kind: Kind) -> Self {
        match kind {
            Kind::Bool | Kind::Wrapper(Wrapped::Bool) => Self::Bool,
            Kind::Integer(integer) | Kind::Wrapper(Wrapped::Integer(integer)) if integer.is_unsigned() => Self::Uint,
            Kind::Integer(_) | Kind::Wrapper(Wrapped::Integer(_)) => Self::Int,
            Kind::Float | Kind::Double | Kind::Wrapper(Wrapped::Float | Wrapped::Double) => Self::Double,
            Kind::String | Kind::Wrapper(Wrapped::String) => Self::String,
            Kind::Bytes | Kind::Wrapper(Wrapped::Bytes) => Self::Bytes,
            Kind::Enum(id) => Self::Enum(id),
            Kind::Message(id) => Self::Message(id),
            Kind::Timestamp => Self::Timestamp,
            Kind::Duration => Self::Duration,
            Kind::FieldMask | Kind::Struct | Kind::Value | Kind::ListValue | Kind::Empty => Self::Opaque,
        }
    }

    /// Returns the type of a map's keys.
    pub(crate) fn from_map_key(key: MapKey) -> Self {
        match key {
            MapKey::Bool => Self::Bool,
            MapKey::Integer(integer) if integer.is_unsigned() => Self::Uint,
            MapKey::Integer(_) => Self::Int,
            MapKey::String => Self::String,
        }
    }

    /// Returns the type in rules, where enums are ints.
    pub(crate) fn with_enums_as_ints(self) -> Self {
        match self {
            Self::Enum(_) => Self::Int,
            Self::List(element) => Self::List(Box::new(element.with_enums_as_ints())),
            Self::Map(key, value) => Self::Map(key, Box::new(value.with_enums_as_ints())),
            ty => ty,
        }
    }
}

/// The result of reading an absent field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Zero, or empty: scalars with and without `optional`, enums, repeated fields, maps.
    Zero,
    /// `null`: google.protobuf.DoubleValue and its like. `null` equals only `null`; ordering it, calculating with it or
    /// calling a function on it is an error.
    Null,
    /// An error: google.protobuf.Timestamp and Duration. CEL would read 1970, which is never intended.
    Error,
}

/// Returns the type of a field, and the result of reading it if it is absent.
pub(crate) fn field_type(field: &Field) -> (Type, Absent) {
    let one = Type::from_kind(field.kind);
    match field.cardinality {
        Cardinality::Repeated => (Type::List(Box::new(one)), Absent::Zero),
        Cardinality::Map(key) => (Type::Map(key, Box::new(one)), Absent::Zero),
        Cardinality::Implicit | Cardinality::Explicit | Cardinality::Oneof(_) => {
            let absent = match field.kind {
                Kind::Wrapper(_) => Absent::Null,
                Kind::Timestamp | Kind::Duration => Absent::Error,
                _ => Absent::Zero,
            };
            (one, absent)
        }
    }
}
