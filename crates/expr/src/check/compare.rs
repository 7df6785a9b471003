//! Checks comparisons.

use super::names::Meaning;
use super::{Checker, Typed, messages};
use crate::ExprError;
use crate::ir::{Absent, Comparison, Const, Expr, Type, field_type};
use crate::parse::{Node, NodeKind};
use groundplan_model::shape::{EnumId, MapKey};

impl Checker<'_> {
    pub(super) fn comparison(&mut self, comparison: Comparison, left: &Node, right: &Node) -> Result<Typed, ExprError> {
        let (left_value, right_value) = self.check_pair(left, right)?;
        if left_value.ty == Type::Null || right_value.ty == Type::Null {
            return self.compare_with_null(comparison, (left, left_value), (right, right_value));
        }
        self.require_scalar(left, &left_value.ty)?;
        self.require_scalar(right, &right_value.ty)?;
        let are_numbers = is_number(&left_value.ty) && is_number(&right_value.ty);
        if left_value.ty != right_value.ty && !are_numbers {
            return Err(self.mismatch((left, &left_value), (right, &right_value)));
        }
        // The constant is on the right, where the compiler expects it.
        let (comparison, one, other) = if left_value.constant().is_some() && right_value.constant().is_none() {
            (mirrored(comparison), right_value, left_value)
        } else {
            (comparison, left_value, right_value)
        };
        let expr = Expr::Compare { comparison, left: Box::new(one.expr), right: Box::new(other.expr) };
        Ok(Typed::new(expr, Type::Bool))
    }

    /// Checks two values, and converts a literal to the type of the other value.
    pub(super) fn check_pair(&mut self, left: &Node, right: &Node) -> Result<(Typed, Typed), ExprError> {
        let outer = self.expected;
        self.expected = self.enum_of(left).or_else(|| self.enum_of(right)).or(outer);
        let values = self.value(left).and_then(|left| Ok((left, self.value(right)?)));
        self.expected = outer;
        let (left_value, right_value) = values?;
        match (left_value.constant().is_some(), right_value.constant().is_some()) {
            (true, false) => Ok((self.adapt(left, left_value, &right_value.ty)?, right_value)),
            (false, true) => {
                let right_value = self.adapt(right, right_value, &left_value.ty)?;
                Ok((left_value, right_value))
            }
            (true, true) => {
                let (left_type, right_type) = (left_value.ty.clone(), right_value.ty.clone());
                let is_enum = matches!(left_type, Type::Enum(_) | Type::Timestamp | Type::Duration);
                if is_enum {
                    return Ok((left_value, self.adapt(right, right_value, &left_type)?));
                }
                Ok((self.adapt(left, left_value, &right_type)?, right_value))
            }
            (false, false) => Ok((left_value, right_value)),
        }
    }

    /// Returns the enum of a path, in which names on the other side are resolved first.
    fn enum_of(&mut self, node: &Node) -> Option<EnumId> {
        match self.path_type(node)? {
            Type::Enum(id) => Some(id),
            Type::List(element) => match *element {
                Type::Enum(id) => Some(id),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the type of a path without checking its keys and indexes: checking them here, too, would repeat it at each level.
    fn path_type(&mut self, node: &Node) -> Option<Type> {
        if is_path(node) {
            return match self.resolve(node).ok()? {
                Meaning::Field(field) => Some(field.ty),
                Meaning::Value(value) if value.constant().is_none() => Some(value.ty),
                _ => None,
            };
        }
        match &node.kind {
            NodeKind::Index { operand, .. } => match self.path_type(operand)? {
                Type::List(element) => Some(*element),
                Type::Map(_, value) => Some(*value),
                _ => None,
            },
            NodeKind::Select { operand, name, .. } => match self.path_type(operand)? {
                Type::Message(shape) => {
                    let fields = self.scope.catalog.shapes.get(shape);
                    fields.by_name(name).map(|id| field_type(fields.field(id)).0)
                }
                Type::Map(MapKey::String, value) => Some(*value),
                _ => None,
            },
            _ => None,
        }
    }

    fn compare_with_null(
        &self,
        comparison: Comparison,
        (left, left_value): (&Node, Typed),
        (right, right_value): (&Node, Typed),
    ) -> Result<Typed, ExprError> {
        let (node, value) = if left_value.ty == Type::Null { (right, right_value) } else { (left, left_value) };
        if !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            let message = format!("null has no order: `{}` takes values", messages::symbol(comparison));
            return Err(self.error(left.span, message));
        }
        match value.expr {
            Expr::Const(Const::Null) => {
                Ok(Typed::new(Expr::Const(Const::Bool(comparison == Comparison::Equal)), Type::Bool))
            }
            Expr::Field(field) if field.absent == Absent::Null => {
                let (left, right) = (Box::new(Expr::Field(field)), Box::new(Expr::Const(Const::Null)));
                Ok(Typed::new(Expr::Compare { comparison, left, right }, Type::Bool))
            }
            Expr::Field(_) => {
                let written = self.quote(node);
                let inner = written.trim_matches('`');
                let not = if comparison == Comparison::Equal { "!" } else { "" };
                let message = format!("{written} is never null: write `{not}has({inner})`");
                Err(self.error(node.span, message))
            }
            _ => {
                let message = format!("{} is never null: only fields of wrapper types are", self.quote(node));
                Err(self.error(node.span, message))
            }
        }
    }

    pub(super) fn mismatch(&self, (left, one): (&Node, &Typed), (right, other): (&Node, &Typed)) -> ExprError {
        // The mistake is usually in the constant.
        let (first, subject, second, object) = if one.constant().is_some() && other.constant().is_none() {
            (right, other, left, one)
        } else {
            (left, one, right, other)
        };
        let both_enums = matches!((&subject.ty, &object.ty), (Type::Enum(_), Type::Enum(_) | Type::Int));
        let help = if both_enums && object.constant().is_none() {
            format!("compare the numbers, as in `int({})`", self.quote(first).trim_matches('`'))
        } else {
            format!("compare it with {}", self.example_for(&subject.ty))
        };
        let message = format!(
            "{} is {}, {} {}: {help}",
            self.quote(first),
            self.type_name(&subject.ty),
            self.quote(second),
            self.type_name(&object.ty)
        );
        self.error(second.span, message)
    }
}

/// Whether a node has only names and dots.
fn is_path(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Name(_) => true,
        NodeKind::Select { operand, .. } => is_path(operand),
        _ => false,
    }
}

pub(super) fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Uint | Type::Double)
}

/// Returns the comparison with exchanged operands.
fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}
