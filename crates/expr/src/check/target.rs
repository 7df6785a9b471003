//! Checks that a formula fits its field.

use super::{Checker, Typed};
use crate::ExprError;
use crate::ir::{Const, Expr, Type};
use crate::parse::{Literal, Node, NodeKind};
use crate::{Scope, field_conversion};
use groundplan_model::shape::{Cardinality, FieldId, Kind};

/// The field of a formula.
pub(super) struct Target<'a> {
    name: &'a str,
    kind: Kind,
    ty: Type,
    /// Whether the field distinguishes absence from zero.
    has_presence: bool,
}

impl<'a> Target<'a> {
    /// Rejects fields that formulas cannot have. Fields that the system sets are not checked here.
    pub(super) fn for_field(scope: Scope<'a>, id: FieldId) -> Result<Self, ExprError> {
        let field = scope.model.shapes.get(scope.model.shape).field(id);
        let (name, ty) = (field.name.as_str(), Type::from_kind(field.kind));
        let description = match (field.cardinality, &ty) {
            (Cardinality::Repeated, _) => "is a list",
            (Cardinality::Map(_), _) => "is a map",
            (_, Type::Message(_) | Type::Opaque) => "is a message",
            _ => {
                let has_presence = field.cardinality != Cardinality::Implicit;
                return Ok(Self { name, kind: field.kind, ty, has_presence });
            }
        };
        Err(ExprError::new(format!(
            "`{name}` {description}, and a formula returns a single value: leave the formula out"
        )))
    }
}

impl Checker<'_> {
    /// Checks the expression of a formula.
    pub(super) fn formula(&mut self, target: &Target<'_>, node: &Node) -> Result<Expr, ExprError> {
        if matches!(node.kind, NodeKind::Literal(Literal::Null)) {
            let message = format!("`{}` is `null` without a formula: leave the formula out", target.name);
            return Err(self.error(node.span, message));
        }
        self.check_branch(target, node)
    }

    /// Checks a possible result; for a conditional, both branches, so that literals and `null` mean the same in each.
    fn check_branch(&mut self, target: &Target<'_>, node: &Node) -> Result<Expr, ExprError> {
        match &node.kind {
            NodeKind::Conditional { condition, then, otherwise } => {
                let condition = self.condition(condition)?;
                let (then, otherwise) = (self.check_branch(target, then)?, self.check_branch(target, otherwise)?);
                Ok(Expr::Conditional {
                    condition: Box::new(condition),
                    then: Box::new(then),
                    otherwise: Box::new(otherwise),
                })
            }
            NodeKind::Literal(Literal::Null) if target.has_presence => Ok(Expr::Const(Const::Null)),
            NodeKind::Literal(Literal::Null) => {
                let message = format!("`{}` is never absent: write its zero instead of `null`", target.name);
                Err(self.error(node.span, message))
            }
            _ => self.check_result(target, node),
        }
    }

    fn check_result(&mut self, target: &Target<'_>, node: &Node) -> Result<Expr, ExprError> {
        if let Type::Enum(id) = target.ty {
            self.expected = Some(id);
        }
        let value = self.value(node)?;
        let value = self.adapt(node, value, &target.ty)?;
        self.require_scalar(node, &value.ty)?;
        if value.ty != target.ty {
            return Err(self.type_mismatch(target, node, &value));
        }
        if let Some(constant) = value.constant() {
            let fit = field_conversion::to_field_value(target.kind, crate::evaluate::Datum::from_const(constant));
            fit.map_err(|failure| self.error(node.span, format!("{} does not fit: {failure}", self.quote(node))))?;
        }
        Ok(value.expr)
    }

    fn type_mismatch(&self, target: &Target<'_>, node: &Node, value: &Typed) -> ExprError {
        let written = self.quote(node);
        let inner = written.trim_matches('`');
        let is_constant = value.constant().is_some();
        let help = match (&target.ty, &value.ty) {
            (Type::Int, Type::Uint | Type::Double) if is_constant => "write a whole number".to_owned(),
            (Type::Uint, Type::Int | Type::Double) if is_constant => "write a whole number of at least 0".to_owned(),
            (Type::String, Type::Int | Type::Uint | Type::Bool) => {
                format!("convert it to a string, as in `string({inner})`")
            }
            (Type::Int, Type::Uint | Type::Double | Type::Enum(_)) => {
                format!("convert it to an int, as in `int({inner})`")
            }
            (Type::Uint, Type::Int | Type::Double) => format!("convert it to a uint, as in `uint({inner})`"),
            (Type::Double, Type::Int | Type::Uint) => format!("convert it to a double, as in `double({inner})`"),
            (Type::Bool, _) => format!("write a condition, such as `{inner} == …`"),
            (ty, _) => format!("write {}", self.example_for(ty)),
        };
        let (name, ty, actual) = (target.name, self.type_name(&target.ty), self.type_name(&value.ty));
        self.error(node.span, format!("`{name}` is {ty}, and {written} is {actual}: {help}"))
    }
}
