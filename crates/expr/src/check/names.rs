//! Resolves names.

use super::messages::{list_names, short_name, suggestion};
use super::reads::unreadable;
use super::{Checker, Typed, enums};
use crate::ExprError;
use crate::ir::{Const, Expr, Field, Root, Type};
use crate::parse::{Node, NodeKind, Span};
use groundplan_model::catalog::Reference;
use groundplan_model::json_name;
use groundplan_model::shape::FieldId;

/// The meaning of a name or a path.
pub(super) enum Meaning {
    /// `record` and `this`.
    Record,
    /// The record that a reference leads to, by the name of the relation.
    Reference(FieldId),
    Field(Field),
    Value(Typed),
}

impl Checker<'_> {
    /// Resolves a path. Other nodes are values.
    pub(super) fn resolve(&mut self, node: &Node) -> Result<Meaning, ExprError> {
        match &node.kind {
            NodeKind::Name(name) => self.name(node.span, name),
            NodeKind::Select { operand, name, name_span } => {
                if let Some(constant) = self.qualified(node)? {
                    return Ok(Meaning::Value(constant));
                }
                let from = self.resolve(operand)?;
                self.member(operand, from, name, *name_span)
            }
            _ => Ok(Meaning::Value(self.value(node)?)),
        }
    }

    fn name(&self, span: Span, name: &str) -> Result<Meaning, ExprError> {
        if let Some(known) = self.resolve_known(span, name)? {
            return Ok(known);
        }
        if let Some((id, number)) = enums::find_value(self.scope, self.expected, None, name) {
            return Ok(Meaning::Value(Typed::new(Expr::Const(Const::Enum(number)), Type::Enum(id))));
        }
        Err(self.unknown_name(span, name))
    }

    /// Resolves a name that is not the name of an enum's value.
    fn resolve_known(&self, span: Span, name: &str) -> Result<Option<Meaning>, ExprError> {
        if let Some(variable) = self.variables.iter().rev().find(|variable| variable.name == name) {
            return Ok(Some(Meaning::Field(variable.field.clone())));
        }
        let model = self.scope.model;
        if let Some(id) = model.shape().by_name(name) {
            return self.field(Root::Record, &[], model.shape, id, span).map(|field| Some(Meaning::Field(field)));
        }
        Ok(match name {
            "record" | "this" => Some(Meaning::Record),
            "now" => Some(Meaning::Value(Typed::new(Expr::Now, Type::Timestamp))),
            _ => self.relation(name, span)?,
        })
    }

    /// Resolves the name of a relation.
    pub(super) fn relation(&self, name: &str, span: Span) -> Result<Option<Meaning>, ExprError> {
        let model = self.scope.model;
        let Some(id) = reference_by_name(&model.references, name) else { return Ok(None) };
        match unreadable(model.shape().field(id), false) {
            Some(message) => Err(self.error(span, message)),
            None => self.reject_relation_in_formula(id, span).map(|()| Some(Meaning::Reference(id))),
        }
    }

    /// Resolves a value of an enum with its type, such as `Status.STATUS_ACTIVE`.
    fn qualified(&self, node: &Node) -> Result<Option<Typed>, ExprError> {
        let Some((root, path)) = dotted_path(node) else { return Ok(None) };
        let NodeKind::Name(name) = &root.kind else { return Ok(None) };
        if self.resolve_known(root.span, name)?.is_some() {
            return Ok(None);
        }
        let Some((prefix, value)) = path.rsplit_once('.') else { return Ok(None) };
        if let Some((id, number)) = enums::find_value(self.scope, self.expected, Some(prefix), value) {
            return Ok(Some(Typed::new(Expr::Const(Const::Enum(number)), Type::Enum(id))));
        }
        match enums::find_enum(self.scope, prefix) {
            Some(id) => Err(self.no_such_value(node.span, id, value)),
            None => Err(self.unknown_name(root.span, name)),
        }
    }

    fn unknown_name(&self, span: Span, name: &str) -> ExprError {
        let model = self.scope.model;
        let values = enums::reachable(self.scope);
        let values = values.iter().flat_map(|id| &self.scope.catalog.shapes.enumeration(*id).values);
        let candidates = self
            .variables
            .iter()
            .map(|variable| variable.name.as_str())
            .chain(model.shape().iter().flat_map(|(_, field)| [field.name.as_str(), field.json_name.as_str()]))
            .chain(model.references.iter().map(|reference| reference.name.as_str()))
            .chain(["now"])
            .chain(values.map(|(name, _)| name.as_str()));
        let suggested = suggestion(name, candidates);
        if let (None, Some(id)) = (&suggested, self.expected) {
            return self.no_such_value(span, id, name);
        }
        let fields = || list_names(model.shape().iter().map(|(_, field)| field.name.as_str()));
        let help = suggested.unwrap_or_else(|| format!("{}; put text in quotes", fields()));
        self.error(span, format!("{} has no field {}: {help}", model.name, super::messages::quote(name)))
    }
}

/// Returns the reference with a name, in `snake_case` or `lowerCamelCase`.
pub(crate) fn reference_by_name(references: &[Reference], name: &str) -> Option<FieldId> {
    let reference = references.iter().find(|reference| reference.name == name || json_name(&reference.name) == name);
    reference.map(|reference| reference.field)
}

/// Returns the first node of a path of names, and the whole path with dots.
fn dotted_path(node: &Node) -> Option<(&Node, String)> {
    let mut names = Vec::new();
    let mut at = node;
    while let NodeKind::Select { operand, name, .. } = &at.kind {
        names.push(name.as_str());
        at = operand;
    }
    let NodeKind::Name(name) = &at.kind else { return None };
    names.push(name);
    names.reverse();
    Some((at, names.join(".")))
}

impl Checker<'_> {
    /// Returns an error about a value that an enum does not have.
    pub(super) fn no_such_value(&self, span: Span, id: groundplan_model::shape::EnumId, value: &str) -> ExprError {
        let shape = self.scope.catalog.shapes.enumeration(id);
        let names = || shape.values.iter().map(|(name, _)| name.as_str());
        let ending = format!("_{}", value.to_ascii_uppercase());
        let longer = names().find(|name| name.ends_with(&ending)).map(|name| format!("did you mean `{name}`?"));
        let help = longer.or_else(|| suggestion(value, names())).unwrap_or_else(|| list_names(names()));
        let value = super::messages::quote(value);
        self.error(span, format!("the enum {} has no value {value}: {help}", short_name(&shape.full_name)))
    }
}
