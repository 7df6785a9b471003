//! Checks conversions. Only those that CEL and PostgreSQL do identically are allowed.

use super::{Checker, Typed};
use crate::ExprError;
use crate::ir::{Const, Expr, Type};
use crate::parse::Node;
use crate::time_literal;

impl Checker<'_> {
    pub(super) fn conversion(&mut self, name: &str, argument: &Node) -> Result<Typed, ExprError> {
        let value = self.value(argument)?;
        self.require_scalar(argument, &value.ty)?;
        let to = match name {
            "int" => Type::Int,
            "uint" => Type::Uint,
            "double" => Type::Double,
            "string" => Type::String,
            "timestamp" => Type::Timestamp,
            _ => Type::Duration,
        };
        if value.ty == to {
            return Ok(value);
        }
        if matches!(to, Type::Timestamp | Type::Duration) {
            return self.time_constant(name, argument, &value);
        }
        let is_exact = matches!(
            (&value.ty, &to),
            (Type::Int | Type::Uint | Type::Double, Type::Int | Type::Uint | Type::Double)
                | (Type::Enum(_), Type::Int)
                | (Type::Int | Type::Uint | Type::Bool, Type::String)
        );
        if !is_exact {
            return Err(self.conversion_error(name, argument, &value.ty));
        }
        Ok(Typed::new(Expr::Convert { value: Box::new(value.expr), ty: to.clone() }, to))
    }

    /// Checks `timestamp("…")` and `duration("…")`.
    fn time_constant(&self, name: &str, argument: &Node, value: &Typed) -> Result<Typed, ExprError> {
        let Some(Const::String(text)) = value.constant() else {
            let message =
                format!("{} is {}: `{name}` takes a text in quotes", self.quote(argument), self.type_name(&value.ty));
            return Err(self.error(argument.span, message));
        };
        Ok(if name == "timestamp" {
            Typed::new(
                Expr::Const(Const::Timestamp(self.time(argument, time_literal::parse_timestamp(text))?)),
                Type::Timestamp,
            )
        } else {
            Typed::new(
                Expr::Const(Const::Duration(self.time(argument, time_literal::parse_duration(text))?)),
                Type::Duration,
            )
        })
    }

    fn conversion_error(&self, name: &str, argument: &Node, ty: &Type) -> ExprError {
        let help = match (name, ty) {
            ("string", _) if self.purpose.is_formula() => "it takes an int, a uint or a bool",
            ("int", _) if self.purpose.is_formula() => "it takes a number or an enum",
            (_, _) if self.purpose.is_formula() => "it takes a number",
            ("string", Type::Enum(_)) => "compare it with the name of a value",
            ("string", Type::Timestamp | Type::Duration) => "compare it as it is",
            ("string", Type::Double) => "compare it as a number",
            ("int", Type::Timestamp) => "compare it with a time, or take a part of it, such as `getFullYear()`",
            ("int" | "uint" | "double", Type::String) => "compare it with a string",
            _ => "compare it as it is",
        };
        let ty = self.type_name(ty);
        self.error(argument.span, format!("{} is {ty}, which `{name}` does not take: {help}", self.quote(argument)))
    }
}
