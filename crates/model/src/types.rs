//! The field types that models support, and the types that a model uses.

use crate::shape::{Integer, MapKey, Wrapped};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Syntax};
use std::collections::BTreeMap;

/// The well-known message types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WellKnown {
    Timestamp,
    Duration,
    Wrapper(Wrapped),
    FieldMask,
    Struct,
    Value,
    ListValue,
    Empty,
}

/// Returns the well-known type with a name.
pub(crate) fn well_known(full_name: &str) -> Option<WellKnown> {
    Some(match full_name.strip_prefix("google.protobuf.")? {
        "Timestamp" => WellKnown::Timestamp,
        "Duration" => WellKnown::Duration,
        "BoolValue" => WellKnown::Wrapper(Wrapped::Bool),
        "Int32Value" => WellKnown::Wrapper(Wrapped::Integer(Integer::Int32)),
        "UInt32Value" => WellKnown::Wrapper(Wrapped::Integer(Integer::Uint32)),
        "Int64Value" => WellKnown::Wrapper(Wrapped::Integer(Integer::Int64)),
        "UInt64Value" => WellKnown::Wrapper(Wrapped::Integer(Integer::Uint64)),
        "FloatValue" => WellKnown::Wrapper(Wrapped::Float),
        "DoubleValue" => WellKnown::Wrapper(Wrapped::Double),
        "StringValue" => WellKnown::Wrapper(Wrapped::String),
        "BytesValue" => WellKnown::Wrapper(Wrapped::Bytes),
        "FieldMask" => WellKnown::FieldMask,
        "Struct" => WellKnown::Struct,
        "Value" => WellKnown::Value,
        "ListValue" => WellKnown::ListValue,
        "Empty" => WellKnown::Empty,
        _ => return None,
    })
}

/// Returns the integer type of a kind, if it is one.
pub(crate) fn integer(kind: &Kind) -> Option<Integer> {
    Some(match kind {
        Kind::Int32 => Integer::Int32,
        Kind::Sint32 => Integer::Sint32,
        Kind::Sfixed32 => Integer::Sfixed32,
        Kind::Uint32 => Integer::Uint32,
        Kind::Fixed32 => Integer::Fixed32,
        Kind::Int64 => Integer::Int64,
        Kind::Sint64 => Integer::Sint64,
        Kind::Sfixed64 => Integer::Sfixed64,
        Kind::Uint64 => Integer::Uint64,
        Kind::Fixed64 => Integer::Fixed64,
        _ => return None,
    })
}

/// Returns the type of a map's keys.
pub(crate) fn map_key(kind: &Kind) -> Option<MapKey> {
    match kind {
        Kind::Bool => Some(MapKey::Bool),
        Kind::String => Some(MapKey::String),
        other => integer(other).map(MapKey::Integer),
    }
}

/// Returns the kind of a field's values; for a map, that of the map's values.
pub(crate) fn value_kind(field: &FieldDescriptor) -> Kind {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
        kind => kind,
    }
}

/// Returns why a field's type is not supported, and the remedy; `None` if it is supported.
pub(crate) fn unsupported_reason(field: &FieldDescriptor) -> Option<(String, &'static str)> {
    if field.is_group() {
        return Some(("groups are not supported".to_owned(), "use a message type"));
    }
    if let (true, Kind::Message(entry)) = (field.is_map(), field.kind())
        && map_key(&entry.map_entry_key_field().kind()).is_none()
    {
        return Some(("the keys of the map are not supported".to_owned(), "use integer, bool or string keys"));
    }
    let (name, syntax) = match value_kind(field) {
        Kind::Message(message) => {
            if well_known(message.full_name()).is_some() {
                return None;
            }
            (message.full_name().to_owned(), message.parent_file().syntax())
        }
        Kind::Enum(enumeration) => (enumeration.full_name().to_owned(), enumeration.parent_file().syntax()),
        _ => return None,
    };
    if name == "google.protobuf.Any" {
        return Some((
            "google.protobuf.Any is not supported: its content has no fixed type".to_owned(),
            "use a oneof of the possible messages, or google.protobuf.Struct",
        ));
    }
    if name.starts_with("google.protobuf.") {
        const HELP: &str =
            "supported are Timestamp, Duration, Struct, Value, ListValue, FieldMask, Empty and the wrappers";
        return Some((format!("{name} is not supported"), HELP));
    }
    if syntax == Syntax::Proto2 {
        return Some((
            format!("{name} is declared in a proto2 file"),
            "declare it in a file with `syntax = \"proto3\";`",
        ));
    }
    None
}

/// The messages and enums that models use, sorted by full name.
#[derive(Debug, Default)]
pub(crate) struct Reachable {
    pub(crate) messages: Vec<MessageDescriptor>,
    pub(crate) enums: Vec<EnumDescriptor>,
}

/// Finds all types that messages use, including the messages. Unsupported types are left out.
pub(crate) fn reachable(roots: impl IntoIterator<Item = MessageDescriptor>) -> Reachable {
    let mut messages = BTreeMap::new();
    let mut enums = BTreeMap::new();
    let mut open: Vec<MessageDescriptor> = roots.into_iter().collect();
    while let Some(message) = open.pop() {
        if messages.contains_key(message.full_name()) {
            continue;
        }
        for field in message.fields().filter(|field| unsupported_reason(field).is_none()) {
            match value_kind(&field) {
                Kind::Message(inner) if well_known(inner.full_name()).is_none() => open.push(inner),
                Kind::Enum(enumeration) => {
                    enums.insert(enumeration.full_name().to_owned(), enumeration);
                }
                _ => {}
            }
        }
        messages.insert(message.full_name().to_owned(), message);
    }
    Reachable { messages: messages.into_values().collect(), enums: enums.into_values().collect() }
}
