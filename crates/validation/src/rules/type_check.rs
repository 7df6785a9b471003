//! Checks that rules fit the type of their field.

use groundplan_model::shape::{Cardinality, Kind, Wrapped};
use prost_protovalidate::types::FieldRules;
use prost_protovalidate::types::field_rules::Type;

/// Returns why rules do not fit the type of their field, if they do not.
pub(super) fn mismatch(kind: Kind, cardinality: Option<Cardinality>, rules: &FieldRules) -> Option<String> {
    let actual = rule_name(rules.r#type.as_ref()?);
    let expected = match cardinality {
        Some(Cardinality::Repeated) => Some("repeated"),
        Some(Cardinality::Map(_)) => Some("map"),
        _ => expected_rule(kind),
    };
    match expected {
        Some(expected) if expected == actual => unique_mismatch(kind, rules),
        Some(expected) => Some(format!("expected rule `{expected}`, got `{actual}`")),
        None => Some(format!("`{actual}` is not a rule for this type")),
    }
}

fn unique_mismatch(kind: Kind, rules: &FieldRules) -> Option<String> {
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

fn expected_rule(kind: Kind) -> Option<&'static str> {
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

fn rule_name(rules: &Type) -> &'static str {
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
