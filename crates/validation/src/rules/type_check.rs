//! Whether rules are for the type of their field.

use groundplan_model::shape::{Cardinality, Kind, Wrapped};
use prost_protovalidate::types::FieldRules;
use prost_protovalidate::types::field_rules::Type;

/// What is wrong with the type of rules, if anything is.
pub(super) fn misfit(kind: Kind, cardinality: Option<Cardinality>, rules: &FieldRules) -> Option<String> {
    let actual = name(rules.r#type.as_ref()?);
    let expected = match cardinality {
        Some(Cardinality::Repeated) => Some("repeated"),
        Some(Cardinality::Map(_)) => Some("map"),
        _ => of_kind(kind),
    };
    match expected {
        Some(expected) if expected == actual => unique_misfit(kind, rules),
        Some(expected) => Some(format!("expected rule `{expected}`, got `{actual}`")),
        None => Some(format!("`{actual}` is not a rule for this type")),
    }
}

fn unique_misfit(kind: Kind, rules: &FieldRules) -> Option<String> {
    let is_message = matches!(
        kind,
        Kind::Message(_)
            | Kind::Wrapper(_)
            | Kind::Timestamp
            | Kind::Duration
            | Kind::FieldMask
            | Kind::Struct
            | Kind::Value
            | Kind::ListValue
            | Kind::Empty
    );
    match &rules.r#type {
        Some(Type::Repeated(repeated)) if repeated.unique == Some(true) && is_message => {
            Some("repeated.unique is only supported for scalar and enum item types".to_owned())
        }
        _ => None,
    }
}

fn of_kind(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Bool | Kind::Wrapper(Wrapped::Bool) => "bool",
        Kind::Integer(integer) | Kind::Wrapper(Wrapped::Integer(integer)) => integer.name(),
        Kind::Float | Kind::Wrapper(Wrapped::Float) => "float",
        Kind::Double | Kind::Wrapper(Wrapped::Double) => "double",
        Kind::String | Kind::Wrapper(Wrapped::String) => "string",
        Kind::Bytes | Kind::Wrapper(Wrapped::Bytes) => "bytes",
        Kind::Enum(_) => "enum",
        Kind::Timestamp => "timestamp",
        Kind::Duration => "duration",
        Kind::FieldMask => "field_mask",
        Kind::Message(_) | Kind::Struct | Kind::Value | Kind::ListValue | Kind::Empty => return None,
    })
}

fn name(rules: &Type) -> &'static str {
    match rules {
        Type::Float(_) => "float",
        Type::Double(_) => "double",
        Type::Int32(_) => "int32",
        Type::Int64(_) => "int64",
        Type::Uint32(_) => "uint32",
        Type::Uint64(_) => "uint64",
        Type::Sint32(_) => "sint32",
        Type::Sint64(_) => "sint64",
        Type::Fixed32(_) => "fixed32",
        Type::Fixed64(_) => "fixed64",
        Type::Sfixed32(_) => "sfixed32",
        Type::Sfixed64(_) => "sfixed64",
        Type::Bool(_) => "bool",
        Type::String(_) => "string",
        Type::Bytes(_) => "bytes",
        Type::Enum(_) => "enum",
        Type::Repeated(_) => "repeated",
        Type::Map(_) => "map",
        Type::Any(_) => "any",
        Type::Duration(_) => "duration",
        Type::Timestamp(_) => "timestamp",
        Type::FieldMask(_) => "field_mask",
    }
}
