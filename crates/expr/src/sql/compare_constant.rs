//! Compiles comparisons with constants, which indexes can serve.

use super::condition::{Condition, Guarded, with_null};
use super::piece::Piece;
use super::value::{SqlType, Value, WhenNull};
use super::{Mode, Slot, constant};
use crate::ExprError;
use crate::evaluate::{Datum, compare_numbers};
use crate::ir::{Comparison, Const};
use std::cmp::Ordering;

/// The result of simplifying a comparison with a constant.
enum SimplifiedComparison {
    /// The same for every value.
    Constant(bool),
    With(Comparison, Piece),
}

/// Compiles a comparison. Only order comparisons of doubles are negated, because NaN has no order.
pub(super) fn compare(
    comparison: Comparison,
    value: Value,
    constant: &Const,
    negated: bool,
    mode: Mode,
) -> Result<Guarded, ExprError> {
    if *constant == Const::Null {
        return Ok((with_null(&value, comparison == Comparison::Equal), value.guards));
    }
    let value =
        if value.ty == SqlType::Uuid && comparison.is_equality().is_none() { value.normalized() } else { value };
    let test = match value.ty {
        SqlType::Uuid => compare_uuid(comparison, &value, constant)?,
        SqlType::Double => compare_double(comparison, constant)?,
        ty if ty.is_whole() => compare_integer(comparison, ty, constant),
        _ => SimplifiedComparison::With(comparison, Piece::slot(constant::slot(constant)?.0)),
    };
    Ok(match test {
        SimplifiedComparison::Constant(holds) => {
            (known_result(holds != negated, comparison, &value, mode), value.guards)
        }
        SimplifiedComparison::With(comparison, right) => {
            let at_zero = value.null == WhenNull::Zero && holds_at_zero(comparison, constant, negated);
            let is_strict = value.null == WhenNull::Zero && !at_zero && mode == Mode::Where;
            (test_condition(comparison, &value, &right, (negated, at_zero), mode), value.guards(is_strict))
        }
    })
}

fn known_result(holds: bool, comparison: Comparison, value: &Value, mode: Mode) -> Condition {
    match (value.null, comparison.is_equality()) {
        // `null` is not equal to any value.
        (WhenNull::Null, Some(_)) => Condition::Known(Some(holds)),
        _ => Condition::unless_failed(holds, &[value], mode),
    }
}

/// Whether the comparison holds for an absent value that reads as zero.
fn holds_at_zero(comparison: Comparison, constant: &Const, negated: bool) -> bool {
    let constant = Datum::from_const(constant);
    let zero = match constant {
        Datum::Bool(_) => Datum::Bool(false),
        Datum::String(_) => Datum::String("".into()),
        Datum::Bytes(_) => Datum::Bytes([][..].into()),
        Datum::Double(_) => Datum::Double(0.0),
        _ => Datum::Int(0),
    };
    zero.compare(&constant).is_some_and(|order| comparison.holds(order)) != negated
}

/// Returns the condition, according to the meaning of the value's NULL.
fn test_condition(
    comparison: Comparison,
    value: &Value,
    right: &Piece,
    (negated, at_zero): (bool, bool),
    mode: Mode,
) -> Condition {
    let is_single = value.is_column || mode == Mode::Exact;
    let compare = |left: &Piece| order_comparison(comparison, left, right, value.ty, (negated, is_single));
    let distinct = |operator: &str| Condition::never_null(Piece::distinction(&value.piece, operator, right));
    match (value.null, comparison, mode) {
        (WhenNull::Never, ..) => Condition::never_null(compare(&value.piece)),
        (WhenNull::Zero, Comparison::Equal, _) if value.is_reference && at_zero => {
            Condition::never_null(value.piece.is("NULL"))
        }
        (WhenNull::Zero, Comparison::NotEqual, _) if value.is_reference && !at_zero => {
            Condition::never_null(value.piece.is("NOT NULL"))
        }
        (WhenNull::Zero, Comparison::NotEqual, _) if at_zero => distinct(" IS DISTINCT FROM "),
        (WhenNull::Zero, Comparison::Equal, Mode::Exact) if !at_zero => distinct(" IS NOT DISTINCT FROM "),
        (WhenNull::Zero, ..) if at_zero && value.is_column => {
            Condition::never_null(compare(&value.piece).or(value.piece.is("NULL")))
        }
        (WhenNull::Zero, _, Mode::Where) if !at_zero => Condition::may_be_null(compare(&value.piece)),
        (WhenNull::Zero, ..) => Condition::never_null(compare(&value.clone().normalized().piece)),
        (WhenNull::Null, Comparison::NotEqual, _) => distinct(" IS DISTINCT FROM "),
        (WhenNull::Null, Comparison::Equal, Mode::Exact) => distinct(" IS NOT DISTINCT FROM "),
        (WhenNull::Null | WhenNull::Error, ..) => Condition::may_be_null(compare(&value.piece)),
    }
}

/// Returns a comparison with CEL's semantics: in PostgreSQL NaN is the largest number, in CEL it has no order. A value that is not
/// a column occurs only once if an error can be false.
fn order_comparison(
    comparison: Comparison,
    left: &Piece,
    right: &Piece,
    ty: SqlType,
    (negated, is_single): (bool, bool),
) -> Piece {
    let nan = Piece::atom("'NaN'");
    match (ty, comparison, negated) {
        (SqlType::Double, Comparison::Greater | Comparison::GreaterOrEqual, false) if !is_single => {
            comparison.piece(&Piece::call("nullif", &[left, &nan]), right, ty)
        }
        (SqlType::Double, Comparison::Greater | Comparison::GreaterOrEqual, false) => {
            comparison.piece(left, right, ty).and(Comparison::Less.piece(left, &nan, ty))
        }
        (SqlType::Double, Comparison::Greater, true) => {
            Comparison::LessOrEqual.piece(left, right, ty).or(Comparison::Equal.piece(left, &nan, ty))
        }
        (SqlType::Double, Comparison::GreaterOrEqual, true) => {
            Comparison::Less.piece(left, right, ty).or(Comparison::Equal.piece(left, &nan, ty))
        }
        // NaN is not less, also in PostgreSQL.
        (SqlType::Double, Comparison::Less, true) => Comparison::GreaterOrEqual.piece(left, right, ty),
        (SqlType::Double, Comparison::LessOrEqual, true) => Comparison::Greater.piece(left, right, ty),
        _ => comparison.piece(left, right, ty),
    }
}

/// Compares a UUID. Only its canonical text can be equal.
fn compare_uuid(comparison: Comparison, value: &Value, constant: &Const) -> Result<SimplifiedComparison, ExprError> {
    let Const::String(text) = constant else {
        return Ok(SimplifiedComparison::Constant(comparison == Comparison::NotEqual));
    };
    constant::text(text)?;
    Ok(match constant::uuid(text) {
        Some(bytes) => SimplifiedComparison::With(comparison, Piece::slot(Slot::Uuid(bytes))),
        None if text.is_empty() && value.null == WhenNull::Zero => {
            SimplifiedComparison::With(comparison, Piece::atom("''"))
        }
        None => SimplifiedComparison::Constant(comparison == Comparison::NotEqual),
    })
}

/// Compares an integer with a number, whose boundary is converted to the integer's type.
fn compare_integer(comparison: Comparison, ty: SqlType, constant: &Const) -> SimplifiedComparison {
    let (comparison, number) = match constant {
        Const::Double(number) => match boundary(comparison, *number) {
            Ok(comparison) => comparison,
            Err(known) => return SimplifiedComparison::Constant(known),
        },
        constant => (comparison, Datum::from_const(constant).integer().unwrap_or_default()),
    };
    match constant::integer_slot(number, ty) {
        Some(right) => SimplifiedComparison::With(comparison, right),
        // All values of the type are on one side of the number.
        None => SimplifiedComparison::Constant(comparison.holds(0.cmp(&number))),
    }
}

/// Converts a comparison with a double to one with an integer, or returns its constant result.
fn boundary(comparison: Comparison, number: f64) -> Result<(Comparison, i128), bool> {
    const BEYOND: f64 = 36_893_488_147_419_103_232.0;
    if number.is_nan() {
        return Err(comparison == Comparison::NotEqual);
    }
    if number.abs() >= BEYOND {
        return Err(comparison.holds(if number > 0.0 { Ordering::Less } else { Ordering::Greater }));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and far inside the range")]
    let floor = number.floor() as i128;
    if number.fract() == 0.0 {
        return Ok((comparison, floor));
    }
    match comparison {
        Comparison::Equal => Err(false),
        Comparison::NotEqual => Err(true),
        Comparison::Less | Comparison::LessOrEqual => Ok((Comparison::LessOrEqual, floor)),
        Comparison::Greater | Comparison::GreaterOrEqual => Ok((Comparison::Greater, floor)),
    }
}

/// Compares a double with a number. An integer that is not exact as a double is replaced by the nearest double.
fn compare_double(comparison: Comparison, constant: &Const) -> Result<SimplifiedComparison, ExprError> {
    let (comparison, number) = match constant {
        Const::Double(number) => (comparison, *number),
        constant => {
            let whole = Datum::from_const(constant).integer().unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "the comparison below accounts for the loss")]
            let nearest = whole as f64;
            match (compare_numbers(whole, nearest), comparison) {
                (Some(Ordering::Equal), _) => (comparison, nearest),
                (_, Comparison::Equal) => return Ok(SimplifiedComparison::Constant(false)),
                (_, Comparison::NotEqual) => return Ok(SimplifiedComparison::Constant(true)),
                (Some(Ordering::Less), Comparison::Less | Comparison::LessOrEqual) => (Comparison::Less, nearest),
                (Some(Ordering::Less), _) => (Comparison::GreaterOrEqual, nearest),
                (_, Comparison::Less | Comparison::LessOrEqual) => (Comparison::LessOrEqual, nearest),
                (_, _) => (Comparison::Greater, nearest),
            }
        }
    };
    if number.is_nan() {
        return Ok(SimplifiedComparison::Constant(comparison == Comparison::NotEqual));
    }
    Ok(SimplifiedComparison::With(comparison, Piece::slot(Slot::DoublePrecision(number))))
}
