//! Renders types and names for messages.

use super::Checker;
use crate::ir::{Comparison, Type};
use crate::limits::shortened;
use groundplan_codec::nearest;
use groundplan_model::shape::{EnumId, ShapeId};

/// Quotes a piece of an expression in backquotes, on one line.
pub(super) fn quote(piece: &str) -> String {
    let line: Vec<&str> = piece.split_whitespace().collect();
    format!("`{}`", shortened(&line.join(" "), 40))
}

/// Returns `did you mean x?` if a candidate is close to `name`.
pub(crate) fn suggestion<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    // Names of one or two letters are too ambiguous.
    let candidate = if name.chars().count() > 2 { nearest(name, candidates) } else { None };
    candidate.map(|candidate| format!("did you mean `{candidate}`?"))
}

/// Lists the first few names.
pub(super) fn list_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names = names.map(|name| format!("`{name}`"));
    let names_shown: Vec<String> = names.by_ref().take(5).collect();
    let more = if names.next().is_some() { ", …" } else { "" };
    format!("it has {}{more}", names_shown.join(", "))
}

/// Returns the last part of a full name.
pub(crate) fn short_name(full_name: &str) -> &str {
    full_name.rsplit('.').next().unwrap_or(full_name)
}

pub(super) fn symbol(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "==",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

impl Checker<'_> {
    /// Renders a type with its article: `an int`.
    pub(super) fn type_name(&self, ty: &Type) -> String {
        match ty {
            Type::Bool => "a bool".to_owned(),
            Type::Int => "an int".to_owned(),
            Type::Uint => "a uint".to_owned(),
            Type::Double => "a double".to_owned(),
            Type::String => "a string".to_owned(),
            Type::Bytes => "bytes".to_owned(),
            Type::Timestamp => "a timestamp".to_owned(),
            Type::Duration => "a duration".to_owned(),
            Type::Enum(id) => format!("the enum {}", self.enum_name(*id)),
            Type::Message(id) => format!("the message {}", self.shape_name(*id)),
            Type::List(_) => "a list".to_owned(),
            Type::Map(..) => "a map".to_owned(),
            Type::Opaque => "of a type that only `has` reads".to_owned(),
            Type::Null => "null".to_owned(),
        }
    }

    pub(super) fn enum_name(&self, id: EnumId) -> &str {
        short_name(&self.scope.catalog.shapes.enumeration(id).full_name)
    }

    pub(super) fn shape_name(&self, id: ShapeId) -> &str {
        short_name(&self.scope.catalog.shapes.get(id).full_name)
    }

    /// Describes a value of a type, with an example.
    pub(super) fn example_for(&self, ty: &Type) -> String {
        match ty {
            Type::Bool => "`true` or `false`".to_owned(),
            Type::Int | Type::Uint | Type::Double => "a number".to_owned(),
            Type::String => "a string, in quotes".to_owned(),
            Type::Bytes => "bytes, such as `b\"\\xFF\"`".to_owned(),
            Type::Timestamp => "a time, such as `\"2030-12-31T23:59:59Z\"`".to_owned(),
            Type::Duration => "a duration, such as `\"1h30m\"`".to_owned(),
            Type::Enum(id) => {
                let values = &self.scope.catalog.shapes.enumeration(*id).values;
                // The value zero usually means unspecified.
                let example = values.get(1).or(values.first()).map_or("", |(name, _)| name.as_str());
                format!("one of its values, such as `{example}`")
            }
            _ => "something of its type".to_owned(),
        }
    }
}
