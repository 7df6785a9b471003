//! Converts literals to the type of the other operand.

use super::{Checker, Typed};
use crate::ExprError;
use crate::ir::{Const, Expr, Type};
use crate::parse::Node;
use crate::time_literal;

/// Converts a number to another type, if it is exact.
pub(super) fn number(constant: &Const, to: &Type) -> Option<Const> {
    match (constant, to) {
        (Const::Int(value), Type::Uint) => u64::try_from(*value).ok().map(Const::Uint),
        (Const::Uint(value), Type::Int) => i64::try_from(*value).ok().map(Const::Int),
        (Const::Int(value), Type::Double) => exact(i128::from(*value)).map(Const::Double),
        (Const::Uint(value), Type::Double) => exact(i128::from(*value)).map(Const::Double),
        (Const::Double(value), Type::Int) => {
            to_integer(*value).and_then(|whole| i64::try_from(whole).ok()).map(Const::Int)
        }
        (Const::Double(value), Type::Uint) => {
            to_integer(*value).and_then(|whole| u64::try_from(whole).ok()).map(Const::Uint)
        }
        _ => None,
    }
}

/// Converts a whole number to a double, if it is exact.
fn exact(value: i128) -> Option<f64> {
    let double: f64 = value.to_string().parse().ok()?;
    (to_integer(double) == Some(value)).then_some(double)
}

/// Converts a double to a whole number of up to 64 bits.
pub(super) fn to_integer(value: f64) -> Option<i128> {
    let is_whole = value.is_finite() && value.fract() == 0.0 && value.abs() <= 2f64.powi(64);
    // Formatting writes all digits of the double, so the conversion is exact.
    is_whole.then(|| format!("{value:.0}").parse().ok()).flatten()
}

impl Checker<'_> {
    /// Converts a constant to a type if possible; returns other values unchanged.
    pub(super) fn adapt(&self, node: &Node, value: Typed, to: &Type) -> Result<Typed, ExprError> {
        let Some(constant) = value.constant().filter(|_| value.ty != *to) else { return Ok(value) };
        let adapted = match (constant, to) {
            (Const::Int(_) | Const::Uint(_) | Const::Double(_), Type::Int | Type::Uint | Type::Double) => {
                number(constant, to)
            }
            (Const::Int(number), Type::Enum(_)) => match i32::try_from(*number) {
                Ok(number) => Some(Const::Enum(number)),
                Err(_) => {
                    let message = format!("no enum has the number `{number}`: they have 32 bits");
                    return Err(self.error(node.span, message));
                }
            },
            (Const::String(name), Type::Enum(id)) => match self.scope.catalog.shapes.enumeration(*id).number(name) {
                Some(number) => Some(Const::Enum(number)),
                None => return Err(self.no_such_value(node.span, *id, name)),
            },
            (Const::String(text), Type::Timestamp) => {
                Some(Const::Timestamp(self.time(node, time_literal::parse_timestamp(text))?))
            }
            (Const::String(text), Type::Duration) => {
                Some(Const::Duration(self.time(node, time_literal::parse_duration(text))?))
            }
            _ => None,
        };
        Ok(match adapted {
            Some(constant) => Typed::new(Expr::Const(constant), to.clone()),
            None => value,
        })
    }

    /// Returns the microseconds of a text, or an error at its position.
    pub(super) fn time(&self, node: &Node, read: Result<i64, String>) -> Result<i64, ExprError> {
        read.map_err(|message| self.error(node.span, format!("{} {message}", self.quote(node))))
    }
}
