//! The scope of names in a rule.

use crate::ir::{Const, Type};
use groundplan_model::shape::{Kind, MapKey, ShapeId, Shapes};

/// The scope of names in a rule.
#[derive(Clone, Debug)]
pub struct RuleScope<'a> {
    pub shapes: &'a Shapes,
    pub this: ThisType,
    /// The parameters of a predefined rule: the constants `rule` and `rules`.
    pub parameters: &'a [(&'static str, RuleParameter)],
}

/// The type of the value that a rule applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThisType {
    Message(ShapeId),
    /// A single value: of a field, or an element of a list or map.
    Value(Kind),
    List(Kind),
    Map(MapKey, Kind),
    /// A key of a map.
    Key(MapKey),
}

/// A constant parameter of a predefined rule.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleParameter {
    Value(Const),
    List(Vec<Const>),
    Message(Vec<RuleParameterField>),
}

/// A field of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleParameterField {
    pub name: String,
    pub is_set: bool,
    pub value: RuleParameter,
}

impl RuleScope<'_> {
    pub(crate) fn parameter(&self, name: &str) -> Option<&RuleParameter> {
        self.parameters.iter().find(|(parameter, _)| *parameter == name).map(|(_, parameter)| parameter)
    }
}

impl ThisType {
    pub(crate) fn ty(self) -> Type {
        match self {
            Self::Message(shape) => Type::Message(shape),
            Self::Value(kind) => Type::from_kind(kind),
            Self::List(kind) => Type::List(Box::new(Type::from_kind(kind))),
            Self::Map(key, kind) => Type::Map(key, Box::new(Type::from_kind(kind))),
            Self::Key(key) => Type::from_map_key(key),
        }
        .with_enums_as_ints()
    }
}
