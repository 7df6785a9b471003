//! Checks rules of a model (`buf.validate`): conditions on a value, or texts that describe the violation.
//!
//! Types are those of CEL, and all are static. Numbers of different types can be compared, but arithmetic does not mix them. In
//! a rule, an enum is its number, as in CEL.

mod calls;
mod formats;
mod macros;
mod operators;
mod paths;

use super::{Typed, literal, messages};
use crate::ExprError;
use crate::ir::{Expr, RuleExpr, Type};
use crate::parse::{self, Node, NodeKind, Operator, Span, Unary};
use crate::purpose::Purpose;
use crate::rule_scope::RuleScope;

/// Parses and checks a rule.
pub(crate) fn rule(scope: &RuleScope<'_>, source: &str) -> Result<Expr, ExprError> {
    let node = parse::parse(source, Purpose::Rule)?;
    let variables = vec![("this".to_owned(), scope.this.ty())];
    let mut checker = RuleChecker { scope, source, variables };
    let value = checker.value(&node)?;
    match value.ty {
        Type::Bool | Type::String => Ok(value.expr),
        ty => {
            let message = format!(
                "{} is {}: a rule is a condition, or a text that describes the violation and is empty if there is none",
                checker.quote(&node),
                checker.type_name(&ty)
            );
            Err(checker.error(node.span, message))
        }
    }
}

/// Checks one rule.
struct RuleChecker<'a> {
    scope: &'a RuleScope<'a>,
    source: &'a str,
    /// `this`, and the variables of the enclosing macros, the outermost first.
    variables: Vec<(String, Type)>,
}

impl RuleChecker<'_> {
    fn value(&mut self, node: &Node) -> Result<Typed, ExprError> {
        match &node.kind {
            NodeKind::Name(name) => self.name(node, name),
            NodeKind::Select { operand, name, name_span } => self.select(node, operand, name, *name_span),
            NodeKind::Literal(literal) => literal::check(literal).map_err(|message| self.error(node.span, message)),
            NodeKind::List(nodes) => self.list(nodes),
            NodeKind::Index { operand, index } => self.index(operand, index),
            NodeKind::Call { name, name_span, target, arguments } => {
                self.call((name, *name_span), target.as_deref(), arguments)
            }
            NodeKind::Unary { operator: Unary::Not, operand } => {
                Ok(Typed::new(Expr::Not(Box::new(self.condition(operand)?)), Type::Bool))
            }
            NodeKind::Unary { operator: Unary::Negate, operand } => self.negate(operand),
            NodeKind::Binary { operator, left, right } => match operator {
                Operator::Compare(comparison) => self.compare(*comparison, left, right),
                Operator::Calculate(operation) => self.calculate(*operation, left, right),
                Operator::In => self.contained(left, right),
            },
            NodeKind::And(nodes) => Ok(Typed::new(Expr::And(self.conditions(nodes)?), Type::Bool)),
            NodeKind::Or(nodes) => Ok(Typed::new(Expr::Or(self.conditions(nodes)?), Type::Bool)),
            NodeKind::Conditional { condition, then, otherwise } => self.conditional(condition, then, otherwise),
        }
    }

    fn list(&mut self, nodes: &[Node]) -> Result<Typed, ExprError> {
        let mut elements = Vec::with_capacity(nodes.len());
        let mut ty = Type::Null;
        for node in nodes {
            let element = self.value(node)?;
            ty = match common_type(&ty, &element.ty) {
                Some(ty) => ty,
                None => {
                    let (element, others) = (self.type_name(&element.ty), self.type_name(&ty));
                    let message = format!(
                        "{} is {element}, but the elements before it have the type {others}: a list has elements of one type",
                        self.quote(node)
                    );
                    return Err(self.error(node.span, message));
                }
            };
            elements.push(element.expr);
        }
        Ok(Typed::new(rule_expr(RuleExpr::List(elements)), Type::List(Box::new(ty))))
    }

    /// Checks a boolean value.
    fn condition(&mut self, node: &Node) -> Result<Expr, ExprError> {
        let value = self.value(node)?;
        if value.ty == Type::Bool {
            return Ok(value.expr);
        }
        let ty = self.type_name(&value.ty);
        Err(self.error(node.span, format!("{} is {ty} where a condition is required: compare it", self.quote(node))))
    }

    fn conditions(&mut self, nodes: &[Node]) -> Result<Vec<Expr>, ExprError> {
        nodes.iter().map(|node| self.condition(node)).collect()
    }

    fn conditional(&mut self, condition: &Node, then: &Node, otherwise: &Node) -> Result<Typed, ExprError> {
        let condition = Box::new(self.condition(condition)?);
        let (then_value, otherwise_value) = (self.value(then)?, self.value(otherwise)?);
        let Some(ty) = common_type(&then_value.ty, &otherwise_value.ty) else {
            let message = format!(
                "{} is {}, {} {}: both sides of `:` must be of one type",
                self.quote(then),
                self.type_name(&then_value.ty),
                self.quote(otherwise),
                self.type_name(&otherwise_value.ty)
            );
            return Err(self.error(otherwise.span, message));
        };
        let (then, otherwise) = (Box::new(then_value.expr), Box::new(otherwise_value.expr));
        Ok(Typed::new(Expr::Conditional { condition, then, otherwise }, ty))
    }

    fn error(&self, span: Span, message: impl Into<String>) -> ExprError {
        ExprError::at(self.source, span.start, message)
    }

    fn quote(&self, node: &Node) -> String {
        messages::quote(self.source.get(node.span.start..node.span.end).unwrap_or_default())
    }

    /// Renders a type with its article.
    fn type_name(&self, ty: &Type) -> String {
        match ty {
            Type::Bool => "a bool".to_owned(),
            Type::Int | Type::Enum(_) => "an int".to_owned(),
            Type::Uint => "a uint".to_owned(),
            Type::Double => "a double".to_owned(),
            Type::String => "a string".to_owned(),
            Type::Bytes => "bytes".to_owned(),
            Type::Timestamp => "a time".to_owned(),
            Type::Duration => "a duration".to_owned(),
            Type::Message(shape) => format!("a message {}", self.scope.shapes.get(*shape).full_name),
            Type::List(_) => "a list".to_owned(),
            Type::Map(..) => "a map".to_owned(),
            Type::Opaque => "a message that rules cannot read".to_owned(),
            Type::Null => "`null`".to_owned(),
        }
    }
}

fn rule_expr(rule: RuleExpr) -> Expr {
    Expr::Rule(Box::new(rule))
}

/// Returns the common type of two types, if there is one. `null` and elements of empty lists have any type.
fn common_type(left: &Type, right: &Type) -> Option<Type> {
    match (left, right) {
        (left, right) if left == right => Some(left.clone()),
        (Type::Null, ty) | (ty, Type::Null) => Some(ty.clone()),
        (Type::List(left), Type::List(right)) => common_type(left, right).map(|ty| Type::List(Box::new(ty))),
        _ => None,
    }
}

/// Whether values of the types can be equal.
fn are_comparable(left: &Type, right: &Type) -> bool {
    match (left, right) {
        (Type::Message(_) | Type::Opaque, Type::Message(_) | Type::Opaque) => false,
        (Type::List(left), Type::List(right)) => are_comparable(left, right),
        (Type::Map(_, left), Type::Map(_, right)) => are_comparable(left, right),
        (left, right) => is_number(left) && is_number(right) || common_type(left, right).is_some(),
    }
}

fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Uint | Type::Double)
}
