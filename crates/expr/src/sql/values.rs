//! Compiles values: fields, constants, and functions of them.

use super::condition::{Condition, choice};
use super::piece::{Binding, Builder, Piece};
use super::value::{Bounds, SqlType, Value, WhenNull};
use super::{Compiler, Mode, Slot, check_length, constant, unsupported};
use crate::ExprError;
use crate::ir::{Expr, TimePart, Type};
use groundplan_codec::LAST_TIME;

impl Compiler<'_> {
    /// Compiles a value. NULL is an error unless the value defines another meaning.
    pub(super) fn value(&mut self, expr: &Expr) -> Result<Value, ExprError> {
        let missing = self.missing_relations(expr);
        let value = if missing.is_empty() {
            self.bare_value(expr)?
        } else {
            let (value, joined) = self.with_joined(missing, |this| this.bare_value(expr));
            self.related_value(&joined, value?)
        };
        check_length(&value.piece.text)?;
        Ok(value)
    }

    fn bare_value(&mut self, expr: &Expr) -> Result<Value, ExprError> {
        Ok(match expr {
            Expr::Const(constant) => constant::value(constant)?,
            // The current time is always between 1970 and the year 9999.
            Expr::Now => Value::new(Piece::typed(Slot::Now, "timestamptz"), SqlType::Timestamptz)
                .with_bounds(Bounds::Whole(0, i128::from(LAST_TIME) / 2)),
            Expr::Field(field) => self.field(field)?,
            Expr::MapValue { map, key, .. } => self.map_value(map, key)?,
            Expr::ListItem { list, index, .. } => self.list_item(list, index)?,
            Expr::Size(operand) => self.size(operand)?,
            Expr::Arithmetic { operation, left, right, ty } => {
                let (left, right) = (self.value(left)?.normalized(), self.value(right)?.normalized());
                super::arithmetic::calculate(*operation, left, right, ty)?
            }
            Expr::Negate(operand) => super::arithmetic::negate(self.value(operand)?.normalized().derived()),
            Expr::Convert { value, ty } => super::convert::convert(self.value(value)?.normalized().derived(), ty)?,
            Expr::TimePart { part, time } => time_part(*part, self.value(time)?),
            Expr::Rewrite { .. } | Expr::Rule(_) => {
                return Err(unsupported("only formulas can rewrite a text"));
            }
            Expr::Conditional { condition, then, otherwise } => self.choice(condition, then, otherwise)?,
            condition => {
                let condition = self.condition(condition, false, Mode::Exact)?;
                let null = if condition.nullable() { WhenNull::Error } else { WhenNull::Never };
                Value::new(condition.piece(), SqlType::Boolean).with_null(null)
            }
        })
    }

    fn choice(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr) -> Result<Value, ExprError> {
        let condition = self.condition(condition, false, Mode::Exact)?;
        let (then, otherwise) = match condition {
            Condition::Known(Some(true)) => return self.value(then),
            Condition::Known(Some(false)) => return self.value(otherwise),
            _ => (self.value(then)?.with_guards_inside(), self.value(otherwise)?.with_guards_inside()),
        };
        let may_fail = condition.nullable() || then.may_fail() || otherwise.may_fail();
        let ty = common(then.ty, otherwise.ty)?;
        let value =
            Value::new(choice(condition, &then.piece, &otherwise.piece), ty).with_bounds(either(&then, &otherwise));
        Ok(value.with_null(if may_fail { WhenNull::Error } else { WhenNull::Never }))
    }

    /// Compiles `size`.
    fn size(&mut self, operand: &Expr) -> Result<Value, ExprError> {
        if let Expr::Field(field) = operand
            && matches!(field.ty, Type::List(_) | Type::Map(..))
        {
            return self.length(field);
        }
        let value = self.value(operand)?.normalized().derived();
        let function = match value.ty {
            SqlType::Text => "char_length",
            SqlType::Bytea => "octet_length",
            _ => return Err(unsupported("a value has no size: this is an internal error")),
        };
        let piece = Piece::call(function, &[&value.piece]);
        Ok(Value { piece, ty: SqlType::Integer, is_column: false, bounds: COUNT, ..value })
    }
}

/// The range of counts in one value.
pub(super) const COUNT: Bounds = Bounds::Whole(0, i32::MAX as i128);

/// Returns the type of the branches of a `CASE`.
fn common(one: SqlType, other: SqlType) -> Result<SqlType, ExprError> {
    match (one, other) {
        (one, other) if one == other => Ok(one),
        (one, other) if one.is_whole() && other.is_whole() => Ok(match (one, other) {
            (SqlType::Numeric, _) | (_, SqlType::Numeric) => SqlType::Numeric,
            _ => SqlType::Bigint,
        }),
        _ => Err(unsupported("the two sides of a choice are of two types: this is an internal error")),
    }
}

fn either(one: &Value, other: &Value) -> Bounds {
    match (one.bounds, other.bounds) {
        (Bounds::Whole(least, most), Bounds::Whole(other_least, other_most)) => {
            Bounds::Whole(least.min(other_least), most.max(other_most))
        }
        (
            Bounds::Real { largest, smallest, finite },
            Bounds::Real { largest: other_largest, smallest: other_smallest, finite: other_finite },
        ) => Bounds::Real {
            largest: largest.max(other_largest),
            smallest: smallest.min(other_smallest),
            finite: finite && other_finite,
        },
        _ => Bounds::Unknown,
    }
}

fn time_part(part: TimePart, time: Value) -> Value {
    let (unit, least, most) = match part {
        TimePart::FullYear => ("year", 1, 9999),
        TimePart::Month => ("month", 0, 11),
        TimePart::Date => ("day", 1, 31),
        TimePart::DayOfMonth => ("day", 0, 30),
        TimePart::DayOfWeek => ("dow", 0, 6),
        TimePart::DayOfYear => ("doy", 0, 365),
        TimePart::Hours => ("hour", 0, 23),
        TimePart::Minutes => ("minute", 0, 59),
        TimePart::Seconds => ("second", 0, 59),
        TimePart::Milliseconds => ("milliseconds", 0, 999),
    };
    let builder = Builder::default().text("extract(").text(unit).text(" FROM ");
    let builder = builder.operand(&time.piece, Binding::AtTimeZone).text(" AT TIME ZONE 'UTC')");
    let value = builder.finish(Binding::Atom);
    let piece = match part {
        TimePart::Month | TimePart::DayOfMonth | TimePart::DayOfYear => {
            Piece::operation(&value, " - ", &Piece::atom("1"), Binding::Add)
        }
        // PostgreSQL's milliseconds include the seconds and have a fraction.
        TimePart::Seconds => Piece::call("trunc", &[&value]),
        TimePart::Milliseconds => {
            Piece::operation(&Piece::call("trunc", &[&value]), " % ", &Piece::atom("1000"), Binding::Multiply)
        }
        _ => value,
    };
    Value { piece, ty: SqlType::Numeric, is_column: false, bounds: Bounds::Whole(least, most), ..time }
}
