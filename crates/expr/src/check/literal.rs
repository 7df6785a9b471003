//! Checks literals for filters, formulas and rules.

use super::Typed;
use crate::ir::{Const, Expr, Type};
use crate::parse::Literal;

/// Converts a literal to a constant, or returns an error message if no type can hold it.
pub(super) fn check(literal: &Literal) -> Result<Typed, String> {
    let (constant, ty) = match literal {
        Literal::Bool(value) => (Const::Bool(*value), Type::Bool),
        Literal::Int(value) => match i64::try_from(*value) {
            Ok(value) => (Const::Int(value), Type::Int),
            Err(_) => return Err(format!("`{value}` is larger than any int: write `{value}u`, a uint")),
        },
        Literal::Uint(value) => (Const::Uint(*value), Type::Uint),
        Literal::Double(value) => (Const::Double(*value), Type::Double),
        Literal::String(value) => (Const::String(value.clone()), Type::String),
        Literal::Bytes(value) => (Const::Bytes(value.clone()), Type::Bytes),
        Literal::Null => (Const::Null, Type::Null),
    };
    Ok(Typed::new(Expr::Const(constant), ty))
}
