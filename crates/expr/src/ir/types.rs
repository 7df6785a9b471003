//! The types of expressions, and those of fields.

use groundplan_model::shape::{Cardinality, EnumId, Field, Kind, MapKey, ShapeId, Wrapped};

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    /// All integers but unsigned ones: 64 bits in CEL.
    Int,
    /// Unsigned integers: 64 bits in CEL.
    Uint,
    /// `double`, and `float` widened.
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    /// Compares with its numbers and, by the checker's help, its names.
    Enum(EnumId),
    /// A message with fields of its own. There are no values of it but steps through it.
    Message(ShapeId),
    /// A repeated field, or a list of constants.
    List(Box<Type>),
    Map(MapKey, Box<Type>),
    /// google.protobuf.Struct, Value, ListValue, FieldMask and Empty: nothing but `has` and, in lists, `size` reads them.
    Opaque,
    /// Only `null` itself.
    Null,
}

impl Type {
    /// The type of one value.
    pub(crate) fn of_kind(kind: Kind) -> Self {
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

    /// The type of a map's keys.
    pub(crate) fn of_map_key(key: MapKey) -> Self {
        match key {
            MapKey::Bool => Self::Bool,
            MapKey::Integer(integer) if integer.is_unsigned() => Self::Uint,
            MapKey::Integer(_) => Self::Int,
            MapKey::String => Self::String,
        }
    }

    /// A type as rules have it: enums are ints.
    pub(crate) fn with_enums_as_ints(self) -> Self {
        match self {
            Self::Enum(_) => Self::Int,
            Self::List(element) => Self::List(Box::new(element.with_enums_as_ints())),
            Self::Map(key, value) => Self::Map(key, Box::new(value.with_enums_as_ints())),
            ty => ty,
        }
    }
}

/// What reading an absent field gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Zero, or empty: scalars with and without `optional`, enums, repeated fields, maps.
    Zero,
    /// `null`: google.protobuf.DoubleValue and its like. `null` equals only `null`; ordering it, calculating with it or
    /// calling a function on it is an error.
    Null,
    /// An error: google.protobuf.Timestamp and Duration. CEL would read 1970, which nobody means.
    Error,
}

/// The type of a field, and what reading it gives where it is absent.
pub(crate) fn field_type(field: &Field) -> (Type, Absent) {
    let one = Type::of_kind(field.kind);
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
