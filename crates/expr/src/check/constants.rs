//! Evaluates constants with the evaluator, so that there is one implementation.

use super::{Checker, Typed};
use crate::ExprError;
use crate::evaluate::{self, EvaluationFailure};
use crate::ir::Expr;
use crate::parse::Node;

impl Checker<'_> {
    /// Evaluates a value to a constant if all its operands are constants.
    pub(super) fn fold_constants(&self, node: &Node, value: Typed) -> Result<Typed, ExprError> {
        if !has_constant_operands(&value.expr) {
            return Ok(value);
        }
        let evaluated = evaluate::constant(self.scope, &value.expr);
        match evaluated.map_err(|error| self.error(node.span, error.to_string()))? {
            Ok(constant) => Ok(Typed::new(Expr::Const(constant), value.ty)),
            Err(failure) => {
                let why = match failure {
                    EvaluationFailure::Overflow => "it is outside its type's range".to_owned(),
                    failure => format!("it is {failure}"),
                };
                Err(self.error(node.span, format!("{} has no value: {why}", self.quote(node))))
            }
        }
    }
}

fn has_constant_operands(expr: &Expr) -> bool {
    let is_constant = |expr: &Expr| matches!(expr, Expr::Const(_));
    match expr {
        Expr::Not(value) | Expr::Negate(value) | Expr::Size(value) => is_constant(value),
        Expr::OneOf { value, .. } | Expr::Convert { value, .. } => is_constant(value),
        Expr::Matches { text: value, .. } | Expr::Rewrite { text: value, .. } => is_constant(value),
        Expr::TimePart { time: value, .. } => is_constant(value),
        Expr::Compare { left, right, .. } | Expr::Arithmetic { left, right, .. } => {
            is_constant(left) && is_constant(right)
        }
        Expr::TextTest { text, part, .. } => is_constant(text) && is_constant(part),
        _ => false,
    }
}
