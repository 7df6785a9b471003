//! Checks arithmetic.

use super::compare::is_number;
use super::{Checker, Typed, adapt};
use crate::ExprError;
use crate::ir::{Arithmetic, Const, Expr, Type};
use crate::limits::MAX_CONCATENATIONS;
use crate::parse::{Literal, Node, NodeKind};

impl Checker<'_> {
    pub(super) fn arithmetic(&mut self, operation: Arithmetic, left: &Node, right: &Node) -> Result<Typed, ExprError> {
        let (one, other) = (self.value(left)?, self.value(right)?);
        self.require_scalar(left, &one.ty)?;
        self.require_scalar(right, &other.ty)?;
        let (one, other) = adapt_integers(one, other);
        // Adding a time and a duration is commutative.
        let (one, other) = match (operation, &one.ty, &other.ty) {
            (Arithmetic::Add, Type::Duration, Type::Timestamp) => (other, one),
            _ => (one, other),
        };
        let Some(ty) = result_type(operation, &one.ty, &other.ty) else {
            return Err(self.arithmetic_error(operation, (left, &one.ty), (right, &other.ty)));
        };
        if ty == Type::String {
            self.joined += 1;
            if self.joined > MAX_CONCATENATIONS {
                let help = if self.purpose.is_formula() { "leave some out" } else { "compare them one by one" };
                let noun = self.purpose.noun();
                let message =
                    format!("{noun} joins texts at most {MAX_CONCATENATIONS} times, because they can be long: {help}");
                return Err(self.error(left.span, message));
            }
        }
        let is_division = matches!(operation, Arithmetic::Divide | Arithmetic::Remainder);
        if is_division && matches!(other.constant(), Some(Const::Int(0) | Const::Uint(0))) {
            return Err(self.error(right.span, "a division by zero has no value"));
        }
        let (left, right) = (Box::new(one.expr), Box::new(other.expr));
        Ok(Typed::new(Expr::Arithmetic { operation, left, right, ty: ty.clone() }, ty))
    }

    fn arithmetic_error(&self, operation: Arithmetic, left: (&Node, &Type), right: (&Node, &Type)) -> ExprError {
        let symbol = operation.symbol();
        let (one, other) = (self.quote(left.0), self.quote(right.0));
        let help = match (left.1, right.1) {
            (Type::Double, Type::Double) => "`%` takes whole numbers, as returned by `int(…)`".to_owned(),
            (from, to) if is_number(from) && is_number(to) => {
                let (number, into) = match (from, to) {
                    (Type::Double, _) => (&other, "double"),
                    (_, Type::Double) => (&one, "double"),
                    (Type::Uint, _) => (&one, "int"),
                    _ => (&other, "int"),
                };
                format!("convert one of them, as in `{into}({})`", number.trim_matches('`'))
            }
            (Type::String, to) if operation == Arithmetic::Add && matches!(to, Type::Int | Type::Uint | Type::Bool) => {
                format!("convert it to a string, as in `string({})`", other.trim_matches('`'))
            }
            (Type::Timestamp | Type::Duration, Type::String) => {
                format!("convert it to a duration, as in `duration({})`", other.trim_matches('`'))
            }
            (Type::Enum(_), _) => format!("calculate with its number, as in `int({})`", one.trim_matches('`')),
            _ => "it takes two numbers of one type, two strings to join, or a time and a duration".to_owned(),
        };
        let (from, to) = (self.type_name(left.1), self.type_name(right.1));
        self.error(left.0.span, format!("{one} is {from}, {other} {to}, and `{symbol}` does not accept both: {help}"))
    }

    pub(super) fn negate(&mut self, operand: &Node) -> Result<Typed, ExprError> {
        if let NodeKind::Literal(Literal::Int(value)) = &operand.kind {
            // The smallest int has no positive counterpart.
            let value = 0_i64.checked_sub_unsigned(*value).unwrap_or(i64::MIN);
            return Ok(Typed::new(Expr::Const(Const::Int(value)), Type::Int));
        }
        let value = self.value(operand)?;
        match &value.ty {
            Type::Int | Type::Double => Ok(Typed::new(Expr::Negate(Box::new(value.expr)), value.ty)),
            ty => {
                let message =
                    format!("{} is {}: `-` takes an int or a double", self.quote(operand), self.type_name(ty));
                Err(self.error(operand.span, message))
            }
        }
    }
}

/// Returns the type of the result.
fn result_type(operation: Arithmetic, left: &Type, right: &Type) -> Option<Type> {
    use Arithmetic::{Add, Remainder, Subtract};
    Some(match (operation, left, right) {
        (_, Type::Int, Type::Int) => Type::Int,
        (_, Type::Uint, Type::Uint) => Type::Uint,
        (Remainder, Type::Double, Type::Double) => return None,
        (_, Type::Double, Type::Double) => Type::Double,
        (Add, Type::String, Type::String) => Type::String,
        (Add | Subtract, Type::Timestamp, Type::Duration) => Type::Timestamp,
        (Subtract, Type::Timestamp, Type::Timestamp) => Type::Duration,
        (Add | Subtract, Type::Duration, Type::Duration) => Type::Duration,
        _ => return None,
    })
}

/// Converts an int literal to the type of the other operand. A double literal stays: `pages / 2.0` is not `pages / 2`.
fn adapt_integers(left: Typed, right: Typed) -> (Typed, Typed) {
    let (left_type, right_type) = (left.ty.clone(), right.ty.clone());
    (adapt_integer(left, &right_type), adapt_integer(right, &left_type))
}

fn adapt_integer(value: Typed, to: &Type) -> Typed {
    match value.constant() {
        Some(constant @ Const::Int(_)) if matches!(to, Type::Uint | Type::Double) => {
            match adapt::number(constant, to) {
                Some(constant) => Typed::new(Expr::Const(constant), to.clone()),
                None => value,
            }
        }
        _ => value,
    }
}
