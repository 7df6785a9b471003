//! Compiles comparisons of two values that are not constants.

use super::condition::{Condition, Guarded};
use super::piece::Piece;
use super::value::{Bounds, SqlType, Value, WhenNull};
use super::{Mode, unsupported};
use crate::ExprError;
use crate::ir::Comparison;

/// Compiles a comparison. Only order comparisons of doubles are negated, because NaN has no order.
pub(super) fn compare(
    comparison: Comparison,
    left: Value,
    right: Value,
    negated: bool,
    mode: Mode,
) -> Result<Guarded, ExprError> {
    let (left, right) = align(comparison, left, right)?;
    let guards: Vec<Piece> = left.guards.iter().chain(&right.guards).cloned().collect();
    let has_null = left.null == WhenNull::Null || right.null == WhenNull::Null;
    let condition = match comparison.is_equality() {
        Some(equal) if has_null => nullable_equality(equal, &left, &right, mode),
        _ => strict_comparison(comparison, &left, &right, negated, mode),
    };
    Ok((condition, guards))
}

/// Converts two values so that they can be compared.
fn align(comparison: Comparison, left: Value, right: Value) -> Result<(Value, Value), ExprError> {
    if left.ty == SqlType::Uuid && right.ty == SqlType::Uuid && comparison.is_equality().is_some() {
        let absent = |value: &Value| value.null == WhenNull::Zero;
        // An empty text is not a UUID: two references can both be empty, a reference and an id cannot.
        if !(absent(&left) && absent(&right)) {
            let known = |value: Value| if absent(&value) { value.with_null(WhenNull::Null) } else { value };
            return Ok((known(left), known(right)));
        }
        return Ok((left.with_null(WhenNull::Null), right.with_null(WhenNull::Null)));
    }
    let (left, right) = (left.normalized(), right.normalized());
    match (left.ty, right.ty) {
        (SqlType::Double, ty) if ty.is_whole() => Ok((left, widen(right)?)),
        (ty, SqlType::Double) if ty.is_whole() => Ok((widen(left)?, right)),
        _ => Ok((left, right)),
    }
}

/// Converts an integer to a double, if all its values are exact.
fn widen(value: Value) -> Result<Value, ExprError> {
    const EXACT: i128 = 1 << 53;
    let (least, most) = value.range();
    if least < -EXACT || most > EXACT {
        return Err(unsupported(
            "a 64-bit integer is compared with a double, which has 53 bits: convert one of them with `double(…)` or `int(…)`",
        ));
    }
    Ok(Value {
        piece: value.piece.cast("float8"),
        ty: SqlType::Double,
        is_column: false,
        bounds: Bounds::Real { largest: f64::MAX, smallest: f64::from_bits(1), finite: true },
        ..value
    })
}

/// Returns a comparison that is an error if either side is.
fn strict_comparison(comparison: Comparison, left: &Value, right: &Value, negated: bool, mode: Mode) -> Condition {
    // A negation requires FALSE and NULL to be exact.
    let mode = if negated { Mode::Exact } else { mode };
    let compared = comparison.piece(&left.piece, &right.piece, left.ty);
    let piece = match (left.ty, comparison) {
        // NaN equals nothing.
        (SqlType::Double, Comparison::Equal) if may_be_nan(right) => with_number(comparison, left, right, true, mode),
        (SqlType::Double, Comparison::NotEqual) if may_be_nan(left) && may_be_nan(right) => {
            compared.or(is_nan(left).and(is_nan(right)))
        }
        (SqlType::Double, Comparison::Less | Comparison::LessOrEqual) => {
            with_number(comparison, left, right, false, mode)
        }
        (SqlType::Double, Comparison::Greater | Comparison::GreaterOrEqual) => {
            with_number(comparison, left, right, true, mode)
        }
        _ => compared,
    };
    let piece = if negated { piece.not() } else { piece };
    if left.may_fail() || right.may_fail() { Condition::may_be_null(piece) } else { Condition::never_null(piece) }
}

/// Returns a comparison of doubles where one side, left or right, must not be NaN.
fn with_number(comparison: Comparison, left: &Value, right: &Value, is_left: bool, mode: Mode) -> Piece {
    let compared = |left: &Piece, right: &Piece| comparison.piece(left, right, SqlType::Double);
    let (number, other) = if is_left { (left, right) } else { (right, left) };
    if !may_be_nan(number) {
        return compared(&left.piece, &right.piece);
    }
    let nan = Piece::atom("'NaN'");
    if mode == Mode::Where && !number.is_column {
        let number = Piece::call("nullif", &[&number.piece, &nan]);
        return if is_left { compared(&number, &right.piece) } else { compared(&left.piece, &number) };
    }
    let guard = Comparison::Less.piece(&number.piece, &nan, SqlType::Double);
    // If the other side is an error, the comparison must be an error.
    let guard = if other.may_fail() && mode == Mode::Exact { guard.or(other.piece.is("NULL")) } else { guard };
    compared(&left.piece, &right.piece).and(guard)
}

fn may_be_nan(value: &Value) -> bool {
    !matches!(value.bounds, Bounds::Real { finite: true, .. })
}

fn is_nan(value: &Value) -> Piece {
    Comparison::Equal.piece(&value.piece, &Piece::atom("'NaN'"), SqlType::Double)
}

/// Compiles `==` and `!=` where a side can be `null`, which only equals itself.
fn nullable_equality(equal: bool, left: &Value, right: &Value, mode: Mode) -> Condition {
    let both = left.null == WhenNull::Null && right.null == WhenNull::Null;
    let mut piece = match (equal, mode) {
        (true, Mode::Where) if !both => Comparison::Equal.piece(&left.piece, &right.piece, left.ty),
        (true, _) => Piece::distinction(&left.piece, " IS NOT DISTINCT FROM ", &right.piece),
        (false, _) => Piece::distinction(&left.piece, " IS DISTINCT FROM ", &right.piece),
    };
    if left.ty == SqlType::Double && may_be_nan(left) && may_be_nan(right) {
        let nan = Piece::atom("'NaN'");
        piece = if equal {
            piece.and(Piece::distinction(&left.piece, " IS DISTINCT FROM ", &nan))
        } else {
            piece.or(Piece::distinction(&left.piece, " IS NOT DISTINCT FROM ", &nan))
        };
    }
    let failing = [left, right].into_iter().find(|value| value.null == WhenNull::Error);
    match failing {
        None => Condition::never_null(piece),
        // An error is never equal to NULL here.
        Some(_) if equal && mode == Mode::Where => Condition::may_be_null(piece),
        Some(value) if mode == Mode::Where => Condition::may_be_null(value.piece.is("NOT NULL").and(piece)),
        Some(value) => Condition::may_be_null(piece.when(&value.piece.is("NOT NULL"))),
    }
}
