//! Checks values: literals, fields, and logical operators.

use super::names::Meaning;
use super::{Checker, Typed, literal};
use crate::ExprError;
use crate::ir::{Const, Expr, Type};
use crate::parse::{Node, NodeKind, Operator, Unary};

impl Checker<'_> {
    pub(super) fn value(&mut self, node: &Node) -> Result<Typed, ExprError> {
        let value = self.check_node(node)?;
        self.fold_constants(node, value)
    }

    fn check_node(&mut self, node: &Node) -> Result<Typed, ExprError> {
        match &node.kind {
            NodeKind::Name(_) | NodeKind::Select { .. } => self.path(node),
            NodeKind::Literal(literal) => literal::check(literal).map_err(|message| self.error(node.span, message)),
            NodeKind::List(_) => {
                Err(self.error(node.span, "a list of constants is only allowed after `in`, as in `pages in [1, 2]`"))
            }
            NodeKind::Index { operand, index } => self.index(operand, index),
            NodeKind::Call { name, name_span, target, arguments } => {
                self.call((name, *name_span), target.as_deref(), arguments)
            }
            NodeKind::Unary { operator: Unary::Not, operand } => self.not(operand),
            NodeKind::Unary { operator: Unary::Negate, operand } => self.negate(operand),
            NodeKind::Binary { operator, left, right } => self.binary(*operator, left, right),
            NodeKind::And(nodes) => self.and(nodes),
            NodeKind::Or(nodes) => self.or(nodes),
            NodeKind::Conditional { condition, then, otherwise } => self.conditional(condition, then, otherwise),
        }
    }

    fn path(&mut self, node: &Node) -> Result<Typed, ExprError> {
        match self.resolve(node)? {
            Meaning::Value(value) => Ok(value),
            Meaning::Field(field) => {
                let ty = field.ty.clone();
                Ok(Typed::new(Expr::Field(field), ty))
            }
            Meaning::Record => {
                Err(self.error(node.span, format!("{} is the whole record: name one of its fields", self.quote(node))))
            }
            Meaning::Reference(reference) => {
                let id = &self.scope.model.shape().field(reference).name;
                let message = format!(
                    "{} refers to another record: name one of its fields after a dot, or use `{id}`",
                    self.quote(node)
                );
                Err(self.error(node.span, message))
            }
        }
    }

    fn binary(&mut self, operator: Operator, left: &Node, right: &Node) -> Result<Typed, ExprError> {
        match operator {
            Operator::Compare(comparison) => self.comparison(comparison, left, right),
            Operator::Calculate(operation) => self.arithmetic(operation, left, right),
            Operator::In => self.contained(left, right),
        }
    }

    /// Checks a boolean value.
    pub(super) fn condition(&mut self, node: &Node) -> Result<Expr, ExprError> {
        let value = self.value(node)?;
        if value.ty == Type::Bool {
            return Ok(value.expr);
        }
        let written = self.quote(node);
        let written = written.trim_matches('`');
        let example = match value.ty {
            Type::Int | Type::Uint | Type::Double => format!("compare it, as in `{written} > 0`"),
            Type::String => format!("compare it, as in `{written} == \"x\"`"),
            Type::List(_) => format!("compare its size, as in `size({written}) > 0`"),
            Type::Null => "leave it out".to_owned(),
            Type::Message(_) if matches!(value.expr, Expr::ListItem { .. }) => {
                format!("name one of its fields, as in `{written}.…`")
            }
            Type::Map(..) | Type::Message(_) | Type::Opaque => {
                format!("test whether it is set, as in `has({written})`")
            }
            _ => format!("compare it with {}", self.example_for(&value.ty)),
        };
        let ty = self.type_name(&value.ty);
        Err(self.error(node.span, format!("`{written}` is {ty} where a condition is required: {example}")))
    }

    fn not(&mut self, operand: &Node) -> Result<Typed, ExprError> {
        let expr = match self.condition(operand)? {
            Expr::Const(Const::Bool(value)) => Expr::Const(Const::Bool(!value)),
            condition => Expr::Not(Box::new(condition)),
        };
        Ok(Typed::new(expr, Type::Bool))
    }

    fn and(&mut self, nodes: &[Node]) -> Result<Typed, ExprError> {
        self.chain(nodes, true).map(|expr| Typed::new(expr, Type::Bool))
    }

    fn or(&mut self, nodes: &[Node]) -> Result<Typed, ExprError> {
        self.chain(nodes, false).map(|expr| Typed::new(expr, Type::Bool))
    }

    /// Checks `&&` or `||`: the constant `neutral` is dropped, and the other one decides, even next to errors.
    fn chain(&mut self, nodes: &[Node], neutral: bool) -> Result<Expr, ExprError> {
        let mut conditions = Vec::with_capacity(nodes.len());
        let mut decided = false;
        for node in nodes {
            match self.condition(node)? {
                Expr::Const(Const::Bool(value)) => decided |= value != neutral,
                condition => conditions.push(condition),
            }
        }
        if decided {
            return Ok(Expr::Const(Const::Bool(!neutral)));
        }
        Ok(match (conditions.len(), neutral) {
            (0, _) => Expr::Const(Const::Bool(neutral)),
            (1, _) => conditions.swap_remove(0),
            (_, true) => Expr::And(conditions),
            (_, false) => Expr::Or(conditions),
        })
    }

    fn conditional(&mut self, condition: &Node, then: &Node, otherwise: &Node) -> Result<Typed, ExprError> {
        let condition = self.condition(condition)?;
        let (then_value, otherwise_value) = self.check_pair(then, otherwise)?;
        let ty = then_value.ty.clone();
        self.require_scalar(then, &ty)?;
        self.require_scalar(otherwise, &otherwise_value.ty)?;
        if ty != otherwise_value.ty {
            let message = format!(
                "{} is {}, {} {}: both sides of `:` must be of one type",
                self.quote(then),
                self.type_name(&ty),
                self.quote(otherwise),
                self.type_name(&otherwise_value.ty)
            );
            return Err(self.error(otherwise.span, message));
        }
        Ok(match condition {
            Expr::Const(Const::Bool(true)) => then_value,
            Expr::Const(Const::Bool(false)) => otherwise_value,
            condition => {
                let (then, otherwise) = (Box::new(then_value.expr), Box::new(otherwise_value.expr));
                Typed::new(Expr::Conditional { condition: Box::new(condition), then, otherwise }, ty)
            }
        })
    }

    /// Rejects values that are not scalar.
    pub(super) fn require_scalar(&self, node: &Node, ty: &Type) -> Result<(), ExprError> {
        let written = self.quote(node);
        let inner = written.trim_matches('`');
        let help = match ty {
            Type::Message(_) => "name one of its fields after a dot, or write `has(…)`".to_owned(),
            Type::List(_) => format!("write `x in {inner}`, `size({inner})`, or `{inner}.exists(x, …)`"),
            Type::Map(..) => format!("write `key in {inner}`, `{inner}[key]`, or `size({inner})`"),
            Type::Opaque => format!("write `has({inner})`"),
            Type::Null => "it is only compared, by `==` and `!=`".to_owned(),
            _ => return Ok(()),
        };
        Err(self.error(node.span, format!("{written} is {}, not a single value: {help}", self.type_name(ty))))
    }
}
