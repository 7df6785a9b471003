//! Distributes tests over conditionals that can be `null`.

use crate::ir::{Absent, Expr};

/// Converts a test of `c ? a : b` to `c ? test of a : test of b` if a or b can be `null`, because a NULL of the conditional would
/// not distinguish `null` from an error.
pub(super) fn distribute_conditional(leaf: &Expr) -> Option<Expr> {
    let split = |operand: &Expr, test: &dyn Fn(Box<Expr>) -> Expr| match operand {
        Expr::Conditional { condition, then, otherwise } if may_be_null(operand) => Some(Expr::Conditional {
            condition: condition.clone(),
            then: Box::new(test(then.clone())),
            otherwise: Box::new(test(otherwise.clone())),
        }),
        _ => None,
    };
    match leaf {
        Expr::Compare { comparison, left, right } => {
            let comparison = *comparison;
            split(left, &|left| Expr::Compare { comparison, left, right: right.clone() })
                .or_else(|| split(right, &|right| Expr::Compare { comparison, left: left.clone(), right }))
        }
        Expr::OneOf { value, constants } => split(value, &|value| Expr::OneOf { value, constants: constants.clone() }),
        Expr::ElementOf { value, list } => split(value, &|value| Expr::ElementOf { value, list: list.clone() }),
        _ => None,
    }
}

/// Whether a value can be `null`.
fn may_be_null(expr: &Expr) -> bool {
    match expr {
        Expr::Field(field) => field.absent == Absent::Null,
        Expr::Conditional { then, otherwise, .. } => may_be_null(then) || may_be_null(otherwise),
        _ => false,
    }
}
