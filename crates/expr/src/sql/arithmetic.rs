//! Compiles arithmetic with integers, texts and times.
//!
//! In PostgreSQL, an overflow fails the statement; in CEL it is an error, which is no match here. Calculations that can overflow
//! therefore use `numeric`, guarded by the type's range. Calculations that cannot overflow according to the fields' types and the
//! constants are compiled as written.

use super::piece::{Binding, Builder, Piece};
use super::value::{Bounds, SqlType, Value, WhenNull, combine};
use super::{double, unsupported};
use crate::ExprError;
use crate::ir::{Arithmetic, Type};
use groundplan_codec::{FIRST_TIME, LAST_TIME, LONGEST_DURATION};

/// PostgreSQL has no times before 4713 BC.
const EARLIEST: i128 = -200_000_000_000_000_000;

/// Compiles arithmetic with normalized values.
pub(super) fn calculate(operation: Arithmetic, left: Value, right: Value, ty: &Type) -> Result<Value, ExprError> {
    match ty {
        Type::Int => Ok(integer(operation, left, right, (i64::MIN.into(), i64::MAX.into()))),
        Type::Uint => Ok(integer(operation, left, right, (0, u64::MAX.into()))),
        Type::Double => double::calculate(operation, left, right),
        Type::String | Type::Bytes => {
            let piece = Piece::operation(&left.piece, " || ", &right.piece, Binding::Other);
            Ok(combine(piece, left.ty, &left, &right))
        }
        Type::Timestamp | Type::Duration => times(operation, left, right, ty),
        _ => Err(unsupported("these operands have no arithmetic: this is an internal error")),
    }
}

fn integer(operation: Arithmetic, left: Value, right: Value, legal: (i128, i128)) -> Value {
    let (left_range, right_range) = (left.range(), right.range());
    let (least, most) = result_range(operation, left_range, right_range);
    let fits = least >= legal.0 && most <= legal.1;
    let are_bigint = left.ty != SqlType::Numeric && right.ty != SqlType::Numeric;
    // Values that a guard excludes are calculated nevertheless.
    let is_narrow = are_bigint && most <= i64::MAX.into() && left.guards.is_empty() && right.guards.is_empty();
    let may_be_zero = right_range.0 <= 0 && right_range.1 >= 0;
    let ty = if fits && is_narrow { SqlType::Bigint } else { SqlType::Numeric };
    let (one, other) = (widen(&left), widen(&right));
    let (symbol, binding) = symbol(operation);
    let is_division = matches!(operation, Arithmetic::Divide | Arithmetic::Remainder);
    let divisor = if is_division && may_be_zero { Piece::call("nullif", &[&other, &Piece::atom("0")]) } else { other };
    let piece = match (operation, ty) {
        (Arithmetic::Divide, SqlType::Numeric) => Piece::call("div", &[&one, &divisor]),
        (Arithmetic::Remainder, _) | (_, SqlType::Bigint) => Piece::operation(&one, symbol, &divisor, binding),
        _ if !are_bigint => Piece::operation(&one, symbol, &divisor, binding),
        _ => Piece::operation(&left.piece.cast("numeric"), symbol, &divisor, binding),
    };
    // The remainder of two bigints is a bigint.
    let ty = if operation == Arithmetic::Remainder && are_bigint { SqlType::Bigint } else { ty };
    let mut value = combine(piece, ty, &left, &right);
    if is_division && may_be_zero {
        value.null = WhenNull::Error;
    }
    if !fits {
        let guard = match operation {
            Arithmetic::Remainder => overflow_guard(&left.piece, &right.piece, legal.0),
            _ => range_guard(&value.piece, (least, most), legal),
        };
        value.guards.push(guard);
    }
    value.with_bounds(Bounds::Whole(least.max(legal.0), most.min(legal.1)))
}

/// Widens counts, which are 32-bit integers, for calculations.
fn widen(value: &Value) -> Piece {
    if value.ty == SqlType::Integer { value.piece.cast("bigint") } else { value.piece.clone() }
}

/// Returns the possible results.
fn result_range(operation: Arithmetic, left: (i128, i128), right: (i128, i128)) -> (i128, i128) {
    let corners = |calculate: fn(i128, i128) -> i128| {
        let all = [
            calculate(left.0, right.0),
            calculate(left.0, right.1),
            calculate(left.1, right.0),
            calculate(left.1, right.1),
        ];
        let least = all.iter().copied().min().unwrap_or(i128::MIN);
        (least, all.iter().copied().max().unwrap_or(i128::MAX))
    };
    let magnitude = left.0.abs().max(left.1.abs());
    let has_minus_one = right.0 <= -1 && right.1 >= -1;
    match operation {
        Arithmetic::Add => corners(i128::saturating_add),
        Arithmetic::Subtract => corners(i128::saturating_sub),
        Arithmetic::Multiply => corners(i128::saturating_mul),
        Arithmetic::Divide if left.0 >= 0 && right.0 >= 0 => (0, left.1),
        Arithmetic::Divide if has_minus_one => (-magnitude, magnitude),
        Arithmetic::Divide => (-magnitude, magnitude.min(i64::MAX.into())),
        // Like in Go, the smallest int has no remainder by -1.
        Arithmetic::Remainder if has_minus_one && left.0 == i64::MIN.into() => (-magnitude, magnitude),
        Arithmetic::Remainder => (if left.0 < 0 { left.0 } else { 0 }, left.1.max(0)),
    }
}

fn symbol(operation: Arithmetic) -> (&'static str, Binding) {
    match operation {
        Arithmetic::Add => (" + ", Binding::Add),
        Arithmetic::Subtract => (" - ", Binding::Add),
        Arithmetic::Multiply => (" * ", Binding::Multiply),
        Arithmetic::Divide => (" / ", Binding::Multiply),
        Arithmetic::Remainder => (" % ", Binding::Multiply),
    }
}

/// Returns the condition that a number is in its type's range, for the limits that it can exceed.
pub(super) fn range_guard(piece: &Piece, (least, most): (i128, i128), legal: (i128, i128)) -> Piece {
    let limit = |limit: i128| Piece { binding: Binding::Sign, ..Piece::atom(limit.to_string()) };
    match (least < legal.0, most > legal.1) {
        (true, true) => {
            let builder = Builder::default().operand(piece, Binding::Other).text(" BETWEEN ");
            let builder = builder.operand(&limit(legal.0), Binding::Other).text(" AND ");
            builder.operand(&limit(legal.1), Binding::Other).finish(Binding::Like)
        }
        (true, false) => Piece::comparison(piece, " >= ", &limit(legal.0)),
        _ => Piece::comparison(piece, " <= ", &limit(legal.1)),
    }
}

fn overflow_guard(left: &Piece, right: &Piece, least: i128) -> Piece {
    let least = Piece { binding: Binding::Sign, ..Piece::atom(least.to_string()) };
    let minus_one = Piece { binding: Binding::Sign, ..Piece::atom("-1") };
    Piece::comparison(left, " <> ", &least).or(Piece::comparison(right, " <> ", &minus_one))
}

/// Compiles `-x` of an int or a double.
pub(super) fn negate(value: Value) -> Value {
    let minus = |piece: &Piece| Builder::default().text("-").operand(piece, Binding::Cast).finish(Binding::Sign);
    if value.ty == SqlType::Double {
        return Value { piece: minus(&value.piece), is_column: false, ..value };
    }
    let (least, most) = value.range();
    let legal = (i64::MIN.into(), i64::MAX.into());
    let (negated_least, negated_most) = (most.saturating_neg(), least.saturating_neg());
    let mut result = Value { is_column: false, ..value.clone() };
    if negated_most <= legal.1 {
        result.piece = minus(&widen(&value));
        result.ty = if value.ty == SqlType::Numeric { SqlType::Numeric } else { SqlType::Bigint };
    } else {
        result.piece = minus(&value.piece.cast("numeric"));
        result.ty = SqlType::Numeric;
        result.guards.push(range_guard(&result.piece, (negated_least, negated_most), legal));
    }
    result.with_bounds(Bounds::Whole(negated_least.max(legal.0), negated_most.min(legal.1)))
}

/// Compiles arithmetic with times and durations.
fn times(operation: Arithmetic, left: Value, right: Value, ty: &Type) -> Result<Value, ExprError> {
    let (symbol, binding) = symbol(operation);
    let right = if *ty == Type::Timestamp { justify_hours(right) } else { right };
    let legal: (i128, i128) = match ty {
        Type::Timestamp => (FIRST_TIME.into(), LAST_TIME.into()),
        _ => ((-LONGEST_DURATION).into(), LONGEST_DURATION.into()),
    };
    let (least, most) = result_range(operation, left.range(), right.range());
    let piece = Piece::operation(&left.piece, symbol, &right.piece, binding);
    let sql_type = if *ty == Type::Timestamp { SqlType::Timestamptz } else { SqlType::Interval };
    let mut value = combine(piece, sql_type, &left, &right);
    if least < legal.0 || most > legal.1 {
        let is_guarded = !left.guards.is_empty() || !right.guards.is_empty();
        match ty {
            Type::Timestamp if least >= EARLIEST && !is_guarded => {
                let limits = [
                    ("timestamptz '0001-01-01T00:00:00Z'", " >= "),
                    ("timestamptz '9999-12-31T23:59:59.999999Z'", " <= "),
                ];
                let guards = limits.iter().zip([least < legal.0, most > legal.1]).filter(|(_, needed)| *needed);
                let compared =
                    |(limit, operator): &(&str, &str)| Piece::comparison(&value.piece, operator, &Piece::atom(*limit));
                let guards: Vec<Piece> = guards.map(|(limit, _)| compared(limit)).collect();
                value.guards.extend(guards);
            }
            // The guard is evaluated without calculating the time.
            Type::Timestamp => {
                let guard = timestamp_guard(operation, &left.piece, &right.piece);
                value.piece = value.piece.when(&guard);
                value.null = WhenNull::Error;
            }
            _ => {
                let guard = duration_guard(&value.piece);
                value.piece = value.piece.when(&guard);
                value.null = WhenNull::Error;
            }
        }
    }
    Ok(value.with_bounds(Bounds::Whole(least.max(legal.0), most.min(legal.1))))
}

/// Normalizes a duration so that days and hours have the same sign. PostgreSQL adds the days first, which could exceed its range
/// although the hours lead back.
fn justify_hours(duration: Value) -> Value {
    let is_calculated = !duration.is_column && duration.piece.binding != Binding::Cast;
    let piece = if is_calculated { Piece::call("justify_hours", &[&duration.piece]) } else { duration.piece.clone() };
    Value { piece, ..duration }
}

/// Returns the condition that the sum of a time and a duration is in range, by comparing the duration with the distance to the
/// limits.
fn timestamp_guard(operation: Arithmetic, time: &Piece, duration: &Piece) -> Piece {
    let opposite = |piece: &Piece| Builder::default().text("-").operand(piece, Binding::Cast).finish(Binding::Sign);
    let distance = if operation == Arithmetic::Add { opposite(duration) } else { duration.clone() };
    let from = |limit: &str| {
        let limit = Piece::atom(format!("timestamptz '{limit}'"));
        Piece::operation(time, " - ", &limit, Binding::Add)
    };
    let builder = Builder::default().operand(&distance, Binding::Other).text(" BETWEEN ");
    let builder = builder.operand(&from("9999-12-31T23:59:59.999999Z"), Binding::Other).text(" AND ");
    builder.operand(&from("0001-01-01T00:00:00Z"), Binding::Other).finish(Binding::Like)
}

fn duration_guard(piece: &Piece) -> Piece {
    let builder = Builder::default().operand(piece, Binding::Other).text(" BETWEEN ");
    let limits = "interval '-315576000000.999999 s' AND interval '315576000000.999999 s'";
    builder.text(limits).finish(Binding::Like)
}
