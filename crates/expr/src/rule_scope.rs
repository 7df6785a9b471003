//! What the names in a rule mean.

use crate::ir::{Const, Type};
use groundplan_model::shape::{Kind, MapKey, ShapeId, Shapes};

/// What names in a rule mean.
#[derive(Clone, Debug)]
pub struct RuleScope<'a> {
    pub shapes: &'a Shapes,
    pub this: ThisType,
    /// What a predefined rule is given: `rule` and `rules`, which are constants.
    pub given: &'a [(&'static str, Given)],
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThisType {
    Message(ShapeId),
    /// A single value: of a field, or an element of a list or a map.
    Value(Kind),
    List(Kind),
    Map(MapKey, Kind),
    /// A key of a map.
    Key(MapKey),
}

/// A constant that a predefined rule is given.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    Value(Const),
    List(Vec<Const>),
    Message(Vec<GivenField>),
}

/// A field of such a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenField {
    pub name: String,
    pub is_set: bool,
    pub value: Given,
}

impl RuleScope<'_> {
    pub(crate) fn given(&self, name: &str) -> Option<&Given> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, given)| given)
    }
}

impl ThisType {
    pub(crate) fn ty(self) -> Type {
        match self {
            Self::Message(shape) => Type::Message(shape),
            Self::Value(kind) => Type::of_kind(kind),
            Self::List(kind) => Type::List(Box::new(Type::of_kind(kind))),
            Self::Map(key, kind) => Type::Map(key, Box::new(Type::of_kind(kind))),
            Self::Key(key) => Type::of_map_key(key),
        }
        .with_enums_as_ints()
    }
}
