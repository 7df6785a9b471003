//! Checks names, fields, and elements of lists and maps in rules.

use super::{RuleChecker, Typed, common_type, rule_expr};
use crate::ExprError;
use crate::check::members;
use crate::check::messages::{quote, suggestion};
use crate::ir::{Absent, Const, Expr, RuleExpr, Type, field_type};
use crate::parse::{Node, NodeKind, Span};
use crate::rule_scope::RuleParameter;
use groundplan_model::shape::MapKey;

impl RuleChecker<'_> {
    pub(super) fn name(&self, node: &Node, name: &str) -> Result<Typed, ExprError> {
        if let Some(level) = self.variables.iter().rposition(|(variable, _)| variable == name) {
            let ty = self.variables.get(level).map_or(Type::Null, |(_, ty)| ty.clone());
            return Ok(Typed::new(rule_expr(RuleExpr::Variable(level)), ty));
        }
        if let Some(parameter) = self.scope.parameter(name) {
            return self.parameter_value(node, parameter);
        }
        if name == "now" {
            return Ok(Typed::new(Expr::Now, Type::Timestamp));
        }
        let known = self.variables.iter().map(|(variable, _)| variable.as_str()).chain(["now"]);
        let help = suggestion(name, known).unwrap_or_else(|| "`this` is the value that the rule applies to".to_owned());
        Err(self.error(node.span, format!("there is nothing called {}: {help}", quote(name))))
    }

    pub(super) fn select(
        &mut self,
        node: &Node,
        operand: &Node,
        name: &str,
        name_span: Span,
    ) -> Result<Typed, ExprError> {
        if let Some(parameter) = self.parameter_at(node)? {
            return self.parameter_value(node, parameter);
        }
        let value = self.value(operand)?;
        match value.ty {
            Type::Message(shape) => {
                let shape = self.scope.shapes.get(shape);
                let Some(id) = shape.by_name(name).filter(|id| shape.field(*id).name == name) else {
                    return Err(self.error(name_span, members::no_field(&shape.full_name, shape, name)));
                };
                let (ty, absent) = field_type(shape.field(id));
                let ty = ty.with_enums_as_ints();
                let absent = if absent == Absent::Null { Absent::Null } else { Absent::Zero };
                let member = RuleExpr::Member { message: value.expr, field: id, ty: ty.clone(), absent };
                Ok(Typed::new(rule_expr(member), ty))
            }
            Type::Map(MapKey::String, ty) => {
                let index = Expr::Const(Const::String(name.to_owned()));
                Ok(Typed::new(rule_expr(RuleExpr::Index { collection: value.expr, index }), *ty))
            }
            ty => {
                let ty = self.type_name(&ty);
                let message = format!("{} is {ty}, which has no field {}", self.quote(operand), quote(name));
                Err(self.error(name_span, message))
            }
        }
    }

    pub(super) fn index(&mut self, operand: &Node, index: &Node) -> Result<Typed, ExprError> {
        let (collection, key) = (self.value(operand)?, self.value(index)?);
        let (expected, ty) = match collection.ty {
            Type::List(element) => (Type::Int, *element),
            Type::Map(key, value) => (Type::from_map_key(key), *value),
            ty => {
                let ty = self.type_name(&ty);
                let message = format!("{} is {ty}: `[…]` follows a list or a map", self.quote(operand));
                return Err(self.error(operand.span, message));
            }
        };
        if key.ty != expected {
            let (ty, expected) = (self.type_name(&key.ty), self.type_name(&expected));
            let message = format!("{} is {ty} where {expected} is required", self.quote(index));
            return Err(self.error(index.span, message));
        }
        Ok(Typed::new(rule_expr(RuleExpr::Index { collection: collection.expr, index: key.expr }), ty))
    }

    /// Checks `has(message.field)` or `has(map.key)`.
    pub(super) fn has(&mut self, node: &Node) -> Result<Typed, ExprError> {
        let NodeKind::Select { operand, name, name_span } = &node.kind else {
            return Err(self.error(node.span, "`has` takes a field of a message, as in `has(this.name)`"));
        };
        if let Some(RuleParameter::Message(fields)) = self.parameter_at(operand)? {
            return match fields.iter().find(|field| field.name == *name) {
                Some(field) => Ok(Typed::new(Expr::Const(Const::Bool(field.is_set)), Type::Bool)),
                None => Err(self.unknown_parameter_field(operand, name, *name_span)),
            };
        }
        let value = self.value(operand)?;
        let expr = match value.ty {
            Type::Message(shape) => {
                let shape = self.scope.shapes.get(shape);
                let Some(field) = shape.by_name(name).filter(|id| shape.field(*id).name == *name) else {
                    return Err(self.error(*name_span, members::no_field(&shape.full_name, shape, name)));
                };
                RuleExpr::HasMember { message: value.expr, field }
            }
            Type::Map(MapKey::String, _) => {
                let key = Expr::Const(Const::String(name.clone()));
                RuleExpr::Contains { value: key, collection: value.expr }
            }
            ty => {
                let ty = self.type_name(&ty);
                let message = format!("{} is {ty}, which has no field {}", self.quote(operand), quote(name));
                return Err(self.error(*name_span, message));
            }
        };
        Ok(Typed::new(rule_expr(expr), Type::Bool))
    }

    /// Returns the parameter of a predefined rule that a path leads to, if any.
    fn parameter_at(&self, node: &Node) -> Result<Option<&RuleParameter>, ExprError> {
        match &node.kind {
            NodeKind::Name(name) if self.variables.iter().any(|(variable, _)| variable == name) => Ok(None),
            NodeKind::Name(name) => Ok(self.scope.parameter(name)),
            NodeKind::Select { operand, name, name_span } => match self.parameter_at(operand)? {
                Some(RuleParameter::Message(fields)) => match fields.iter().find(|field| field.name == *name) {
                    Some(field) => Ok(Some(&field.value)),
                    None => Err(self.unknown_parameter_field(operand, name, *name_span)),
                },
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    fn unknown_parameter_field(&self, operand: &Node, name: &str, span: Span) -> ExprError {
        self.error(span, format!("{} has no field {}", self.quote(operand), quote(name)))
    }

    /// Returns the value of a parameter.
    fn parameter_value(&self, node: &Node, parameter: &RuleParameter) -> Result<Typed, ExprError> {
        let from_const = |constant: &Const| Typed::new(Expr::Const(constant.clone()), type_of(constant));
        match parameter {
            RuleParameter::Value(constant) => Ok(from_const(constant)),
            RuleParameter::List(constants) => {
                let ty = constants.iter().try_fold(Type::Null, |ty, constant| common_type(&ty, &type_of(constant)));
                let elements = constants.iter().map(|constant| Expr::Const(constant.clone())).collect();
                Ok(Typed::new(rule_expr(RuleExpr::List(elements)), Type::List(Box::new(ty.unwrap_or(Type::Null)))))
            }
            RuleParameter::Message(_) => {
                Err(self.error(node.span, format!("{} is a message: name one of its fields", self.quote(node))))
            }
        }
    }
}

fn type_of(constant: &Const) -> Type {
    match constant {
        Const::Bool(_) => Type::Bool,
        Const::Int(_) | Const::Enum(_) => Type::Int,
        Const::Uint(_) => Type::Uint,
        Const::Double(_) => Type::Double,
        Const::String(_) => Type::String,
        Const::Bytes(_) => Type::Bytes,
        Const::Timestamp(_) => Type::Timestamp,
        Const::Duration(_) => Type::Duration,
        Const::Null => Type::Null,
    }
}
