//! Compiles `value in [constants]`.

use super::condition::{Condition, Guarded};
use super::piece::Piece;
use super::value::{SqlType, Value, WhenNull};
use super::{Compiler, Mode, Slot, constant};
use crate::ExprError;
use crate::evaluate::Datum;
use crate::ir::{Comparison, Const, Expr};

impl Compiler<'_> {
    pub(super) fn one_of(
        &mut self,
        operand: &Expr,
        constants: &[Const],
        negated: bool,
        mode: Mode,
    ) -> Result<Guarded, ExprError> {
        if let [constant] = constants {
            let right = Expr::Const(constant.clone());
            let comparison = if negated { Comparison::NotEqual } else { Comparison::Equal };
            return self.compare(comparison, (operand, &right), false, mode);
        }
        let value = self.value(operand)?;
        let (slots, ty) = slots(&value, constants)?;
        let has_null = constants.contains(&Const::Null);
        let (condition, is_strict) = if slots.is_empty() {
            let condition = match value.null {
                WhenNull::Null if has_null => {
                    Condition::never_null(value.piece.is(if negated { "NOT NULL" } else { "NULL" }))
                }
                WhenNull::Null => Condition::Known(Some(negated)),
                // The empty text is not a UUID, but an empty reference reads as one.
                WhenNull::Zero if holds_zero(constants) => {
                    Condition::never_null(value.piece.is(if negated { "NOT NULL" } else { "NULL" }))
                }
                _ => Condition::unless_failed(negated, &[&value], mode),
            };
            (condition, false)
        } else {
            let at_null = match value.null {
                WhenNull::Null => has_null,
                WhenNull::Zero => holds_zero(constants),
                WhenNull::Never | WhenNull::Error => false,
            };
            let array = Piece::typed(Slot::Array(slots), &format!("{}[]", ty.name()));
            (any(&value, array, negated, at_null, mode), at_null == negated && mode == Mode::Where)
        };
        Ok((condition, value.guards(is_strict)))
    }
}

/// Returns the constants that the value can be equal to.
fn slots(value: &Value, constants: &[Const]) -> Result<(Vec<Slot>, SqlType), ExprError> {
    // Calculated ints are `numeric`, too, but only uints need it.
    let are_ints = constants.iter().all(|constant| matches!(constant, Const::Int(_)));
    let ty = if value.ty == SqlType::Numeric && are_ints { SqlType::Bigint } else { value.ty };
    let mut slots = Vec::with_capacity(constants.len());
    for constant in constants {
        let slot = match (ty, constant) {
            (_, Const::Null) => None,
            (_, Const::Double(number)) if number.is_nan() => None,
            (SqlType::Uuid, Const::String(text)) => {
                constant::text(text)?;
                constant::uuid(text).map(Slot::Uuid)
            }
            (SqlType::Numeric, constant) => {
                let number = Datum::from_const(constant).integer();
                number.and_then(|number| u64::try_from(number).ok()).map(Slot::Numeric)
            }
            (ty, constant) if ty.is_whole() => {
                let number = Datum::from_const(constant).integer();
                number.and_then(|number| constant::integer_slot(number, ty)).and_then(|mut piece| piece.slots.pop())
            }
            _ => Some(constant::slot(constant)?.0),
        };
        slots.extend(slot);
    }
    Ok((slots, ty))
}

fn holds_zero(constants: &[Const]) -> bool {
    constants.iter().any(|constant| match constant {
        Const::Bool(value) => !value,
        Const::String(value) => value.is_empty(),
        Const::Bytes(value) => value.is_empty(),
        Const::Double(value) => *value == 0.0,
        constant => Datum::from_const(constant).integer() == Some(0),
    })
}

/// Returns `value = ANY(array)`, where NULL can mean one of the constants, or a different value.
fn any(value: &Value, array: Piece, negated: bool, at_null: bool, mode: Mode) -> Condition {
    let (operator, function) = if negated { (" <> ", "ALL") } else { (" = ", "ANY") };
    let test = |left: &Piece| Piece::comparison(left, operator, &Piece::call(function, &[&array]));
    let holds_at_null = at_null != negated;
    match value.null {
        WhenNull::Never => Condition::never_null(test(&value.piece)),
        WhenNull::Error => Condition::may_be_null(test(&value.piece)),
        WhenNull::Zero | WhenNull::Null if holds_at_null => {
            Condition::never_null(test(&value.piece).or(value.piece.is("NULL")))
        }
        WhenNull::Zero | WhenNull::Null if mode == Mode::Where => Condition::may_be_null(test(&value.piece)),
        WhenNull::Zero | WhenNull::Null => {
            let missed = Piece::atom("false");
            Condition::never_null(Piece::call("coalesce", &[&test(&value.piece), &missed]))
        }
    }
}
