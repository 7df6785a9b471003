//! Renders types as in `.proto` files.

use crate::shape::{Cardinality, Field, Integer, Kind, MapKey, Shapes, Wrapped};

/// Returns a field's type as in a `.proto` file, including presence. Members of oneofs count as `optional`.
pub(super) fn type_text(shapes: &Shapes, field: &Field) -> String {
    let kind = kind_text(shapes, field.kind);
    match field.cardinality {
        Cardinality::Implicit => kind,
        Cardinality::Explicit | Cardinality::Oneof(_) => match field.kind {
            Kind::Bool | Kind::Integer(_) | Kind::Float | Kind::Double | Kind::String | Kind::Bytes | Kind::Enum(_) => {
                format!("optional {kind}")
            }
            _ => kind,
        },
        Cardinality::Repeated => format!("repeated {kind}"),
        Cardinality::Map(MapKey::Bool) => format!("map<bool, {kind}>"),
        Cardinality::Map(MapKey::String) => format!("map<string, {kind}>"),
        Cardinality::Map(MapKey::Integer(key)) => format!("map<{}, {kind}>", key.name()),
    }
}

fn kind_text(shapes: &Shapes, kind: Kind) -> String {
    match kind {
        Kind::Bool => "bool".to_owned(),
        Kind::Integer(integer) => integer.name().to_owned(),
        Kind::Float => "float".to_owned(),
        Kind::Double => "double".to_owned(),
        Kind::String => "string".to_owned(),
        Kind::Bytes => "bytes".to_owned(),
        Kind::Enum(enumeration) => shapes.enumeration(enumeration).full_name.clone(),
        Kind::Message(message) => shapes.get(message).full_name.clone(),
        Kind::Wrapper(wrapped) => format!("google.protobuf.{}", wrapper_text(wrapped)),
        Kind::Timestamp
        | Kind::Duration
        | Kind::FieldMask
        | Kind::Struct
        | Kind::Value
        | Kind::ListValue
        | Kind::Empty => format!("google.protobuf.{kind:?}"),
    }
}

fn wrapper_text(wrapped: Wrapped) -> &'static str {
    match wrapped {
        Wrapped::Bool => "BoolValue",
        Wrapped::Integer(Integer::Uint32 | Integer::Fixed32) => "UInt32Value",
        Wrapped::Integer(Integer::Uint64 | Integer::Fixed64) => "UInt64Value",
        Wrapped::Integer(Integer::Int32 | Integer::Sint32 | Integer::Sfixed32) => "Int32Value",
        Wrapped::Integer(Integer::Int64 | Integer::Sint64 | Integer::Sfixed64) => "Int64Value",
        Wrapped::Float => "FloatValue",
        Wrapped::Double => "DoubleValue",
        Wrapped::String => "StringValue",
        Wrapped::Bytes => "BytesValue",
    }
}
