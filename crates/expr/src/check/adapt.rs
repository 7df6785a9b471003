//! Literals that become constants of the type that they meet.

use super::{Checker, Typed};
use crate::ExprError;
use crate::ir::{Const, Expr, Type};
use crate::parse::Node;
use crate::time_literal;

/// A number as one of another type, if there is the same one.
pub(super) fn number(constant: &Const, to: &Type) -> Option<Const> {
    match (constant, to) {
        (Const::Int(value), Type::Uint) => u64::try_from(*value).ok().map(Const::Uint),
        (Const::Uint(value), Type::Int) => i64::try_from(*value).ok().map(Const::Int),
        (Const::Int(value), Type::Double) => exact(i128::from(*value)).map(Const::Double),
        (Const::Uint(value), Type::Double) => exact(i128::from(*value)).map(Const::Double),
        (Const::Double(value), Type::Int) => whole(*value).and_then(|whole| i64::try_from(whole).ok()).map(Const::Int),
        (Const::Double(value), Type::Uint) => {
            whole(*value).and_then(|whole| u64::try_from(whole).ok()).map(Const::Uint)
        }
        _ => None,
    }
}

/// A whole number as a double, if there is the same one.
fn exact(value: i128) -> Option<f64> {
    let double: f64 = value.to_string().parse().ok()?;
    (whole(double) == Some(value)).then_some(double)
}

/// A double as a whole number, if it is one of up to 64 bits.
pub(super) fn whole(value: f64) -> Option<i128> {
    let is_whole = value.is_finite() && value.fract() == 0.0 && value.abs() <= 2f64.powi(64);
    // All digits of a double are written, so that none is lost.
    is_whole.then(|| format!("{value:.0}").parse().ok()).flatten()
}

impl Checker<'_> {
    /// A constant as one of a type, if that is what it says; anything else as it is.
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

    /// The microseconds of a text, or its refusal at its place.
    pub(super) fn time(&self, node: &Node, read: Result<i64, String>) -> Result<i64, ExprError> {
        read.map_err(|message| self.error(node.span, format!("{} {message}", self.quote(node))))
    }
}
