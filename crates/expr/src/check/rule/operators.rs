//! Checks operators in rules.

use super::{RuleChecker, Typed, are_comparable, common_type, is_number, rule_expr};
use crate::ExprError;
use crate::ir::{Arithmetic, Comparison, Const, Expr, RuleExpr, Type};
use crate::parse::{Literal, Node, NodeKind};

impl RuleChecker<'_> {
    pub(super) fn negate(&mut self, operand: &Node) -> Result<Typed, ExprError> {
        // The smallest int has no positive counterpart.
        if let NodeKind::Literal(Literal::Int(value)) = &operand.kind
            && *value == i64::MIN.unsigned_abs()
        {
            return Ok(Typed::new(Expr::Const(Const::Int(i64::MIN)), Type::Int));
        }
        let value = self.value(operand)?;
        match value.ty {
            Type::Int | Type::Double | Type::Duration => Ok(Typed::new(Expr::Negate(Box::new(value.expr)), value.ty)),
            ty => {
                let ty = self.type_name(&ty);
                Err(self.error(operand.span, format!("{} is {ty}, which has no negative", self.quote(operand))))
            }
        }
    }

    pub(super) fn compare(&mut self, comparison: Comparison, left: &Node, right: &Node) -> Result<Typed, ExprError> {
        let (one, other) = (self.value(left)?, self.value(right)?);
        let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let fits = if is_equality {
            are_comparable(&one.ty, &other.ty)
        } else {
            is_number(&one.ty) && is_number(&other.ty) || one.ty == other.ty && is_ordered(&one.ty)
        };
        if fits {
            let (left, right) = (Box::new(one.expr), Box::new(other.expr));
            return Ok(Typed::new(Expr::Compare { comparison, left, right }, Type::Bool));
        }
        let verb = if is_equality { "are never equal" } else { "have no order" };
        let help = match (&one.ty, &other.ty) {
            (Type::Message(_) | Type::Opaque, _) | (_, Type::Message(_) | Type::Opaque) => {
                ": compare their fields, or write `has(…)`"
            }
            _ => ": convert one of them",
        };
        let message = format!(
            "{} is {} and {} is {}, which {verb}{help}",
            self.quote(left),
            self.type_name(&one.ty),
            self.quote(right),
            self.type_name(&other.ty)
        );
        Err(self.error(left.span, message))
    }

    pub(super) fn calculate(&mut self, operation: Arithmetic, left: &Node, right: &Node) -> Result<Typed, ExprError> {
        let (one, other) = (self.value(left)?, self.value(right)?);
        let Some(ty) = result_type(operation, &one.ty, &other.ty) else {
            let message = format!(
                "`{}` is not for {} and {}: convert one of them",
                operation.symbol(),
                self.type_name(&one.ty),
                self.type_name(&other.ty)
            );
            return Err(self.error(left.span, message));
        };
        let (left, right) = (Box::new(one.expr), Box::new(other.expr));
        Ok(Typed::new(Expr::Arithmetic { operation, left, right, ty: ty.clone() }, ty))
    }

    pub(super) fn contained(&mut self, left: &Node, right: &Node) -> Result<Typed, ExprError> {
        let (value, collection) = (self.value(left)?, self.value(right)?);
        let element = match &collection.ty {
            Type::List(element) => Some((**element).clone()),
            Type::Map(key, _) => Some(Type::from_map_key(*key)),
            _ => None,
        };
        match element {
            Some(element) if are_comparable(&value.ty, &element) => {
                let contains = RuleExpr::Contains { value: value.expr, collection: collection.expr };
                Ok(Typed::new(rule_expr(contains), Type::Bool))
            }
            Some(element) => {
                let (ty, element) = (self.type_name(&value.ty), self.type_name(&element));
                let message = format!("{} is {ty}, and {} has {element}", self.quote(left), self.quote(right));
                Err(self.error(left.span, message))
            }
            None => {
                let ty = self.type_name(&collection.ty);
                Err(self.error(right.span, format!("{} is {ty}: `in` needs a list or a map", self.quote(right))))
            }
        }
    }
}

fn is_ordered(ty: &Type) -> bool {
    matches!(ty, Type::Bool | Type::String | Type::Bytes | Type::Timestamp | Type::Duration)
}

fn result_type(operation: Arithmetic, left: &Type, right: &Type) -> Option<Type> {
    match (operation, left, right) {
        (Arithmetic::Remainder, Type::Double, _) => None,
        (_, Type::Int | Type::Uint | Type::Double, right) if left == right => Some(left.clone()),
        (Arithmetic::Add, Type::String | Type::Bytes, right) if left == right => Some(left.clone()),
        (Arithmetic::Add, Type::List(_), Type::List(_)) => common_type(left, right),
        (Arithmetic::Add | Arithmetic::Subtract, Type::Timestamp, Type::Duration)
        | (Arithmetic::Add, Type::Duration, Type::Timestamp) => Some(Type::Timestamp),
        (Arithmetic::Subtract, Type::Timestamp, Type::Timestamp)
        | (Arithmetic::Add | Arithmetic::Subtract, Type::Duration, Type::Duration) => Some(Type::Duration),
        _ => None,
    }
}
