//! Compiles comparisons.

use super::condition::Guarded;
use super::piece::Piece;
use super::value::SqlType;
use super::{Compiler, Mode};
use crate::ExprError;
use crate::ir::{Absent, Comparison, Const, Expr};
use std::cmp::Ordering;

impl Compiler<'_> {
    pub(super) fn compare(
        &mut self,
        comparison: Comparison,
        operands: (&Expr, &Expr),
        negated: bool,
        mode: Mode,
    ) -> Result<Guarded, ExprError> {
        let (comparison, left, right) = match operands {
            (left @ Expr::Const(_), right) => (comparison.mirrored(), right, left),
            (left, right) => (comparison, left, right),
        };
        if let (Expr::Const(Const::Bool(value)), Some(equal)) = (right, comparison.is_equality())
            && (!matches!(left, Expr::Field(field) if field.absent == Absent::Null)
                || (mode == Mode::Where && equal != negated))
        {
            // `x == true` is x.
            let is_negation = *value != (equal != negated);
            return Ok((self.condition(left, is_negation, mode)?, Vec::new()));
        }
        let left = self.value(left)?;
        // An inequality is the negation of its inverse, except for NaN.
        let is_nan = matches!(right, Expr::Const(Const::Double(value)) if value.is_nan());
        let is_ordered = left.ty != SqlType::Double && !is_nan;
        match right {
            Expr::Const(constant) => {
                let (comparison, negated) = apply_negation(comparison, negated, is_ordered);
                super::compare_constant::compare(comparison, left, constant, negated, mode)
            }
            right => {
                let right = self.value(right)?;
                let is_ordered = is_ordered && right.ty != SqlType::Double;
                let (comparison, negated) = apply_negation(comparison, negated, is_ordered);
                super::compare_values::compare(comparison, left, right, negated, mode)
            }
        }
    }
}

/// Applies a negation to a comparison where that is equivalent.
fn apply_negation(comparison: Comparison, negated: bool, is_ordered: bool) -> (Comparison, bool) {
    if negated && (is_ordered || comparison.is_equality().is_some()) {
        (comparison.inverse(), false)
    } else {
        (comparison, negated)
    }
}

impl Comparison {
    /// Returns the comparison with exchanged operands.
    pub(super) fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            equality => equality,
        }
    }

    fn inverse(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }

    /// Returns true for `==` and false for `!=`.
    pub(super) fn is_equality(self) -> Option<bool> {
        match self {
            Self::Equal => Some(true),
            Self::NotEqual => Some(false),
            _ => None,
        }
    }

    pub(super) fn operator(self) -> &'static str {
        match self {
            Self::Equal => " = ",
            Self::NotEqual => " <> ",
            Self::Less => " < ",
            Self::LessOrEqual => " <= ",
            Self::Greater => " > ",
            Self::GreaterOrEqual => " >= ",
        }
    }

    /// Whether the comparison holds for values in this order.
    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }

    /// Returns `left comparison right`; texts are ordered by code points.
    pub(super) fn piece(self, left: &Piece, right: &Piece, ty: SqlType) -> Piece {
        if ty == SqlType::Text && self.is_equality().is_none() {
            Piece::comparison(&left.collated(), self.operator(), right)
        } else {
            Piece::comparison(left, self.operator(), right)
        }
    }
}
