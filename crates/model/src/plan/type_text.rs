//! Types as they are written.

use crate::shape::{Cardinality, Field, Integer, Kind, MapKey, Shapes, Wrapped};

/// A field's type as it is written, presence included. Members of oneofs count as `optional`.
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
        Cardinality::Map(MapKey::Integer(key)) => format!("map<{}, {kind}>", integer_text(key)),
    }
}

fn kind_text(shapes: &Shapes, kind: Kind) -> String {
    match kind {
        Kind::Bool => "bool".to_owned(),
        Kind::Integer(integer) => integer_text(integer).to_owned(),
        Kind::Float => "float".to_owned(),
        Kind::Double => "double".to_owned(),
        Kind::String => "string".to_owned(),
        Kind::Bytes => "bytes".to_owned(),
        Kind::Enum(of) => shapes.enumeration(of).full_name.clone(),
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

fn integer_text(integer: Integer) -> &'static str {
    match integer {
        Integer::Int32 => "int32",
        Integer::Sint32 => "sint32",
        Integer::Sfixed32 => "sfixed32",
        Integer::Uint32 => "uint32",
        Integer::Fixed32 => "fixed32",
        Integer::Int64 => "int64",
        Integer::Sint64 => "sint64",
        Integer::Sfixed64 => "sfixed64",
        Integer::Uint64 => "uint64",
        Integer::Fixed64 => "fixed64",
    }
}
