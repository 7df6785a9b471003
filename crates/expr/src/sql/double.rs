//! Compiles arithmetic with doubles.
//!
//! IEEE 754 has infinities and zeros where PostgreSQL fails the statement: an overflow, an underflow, a division by zero.
//! Calculations whose operands exclude these are compiled as written. With a constant operand, the critical operands are known
//! and handled. A sum of two values is guarded. Other calculations are rejected.

use super::piece::{Binding, Builder, Piece};
use super::value::{Bounds, SqlType, Value, combine};
use super::{Slot, unsupported};
use crate::ExprError;
use crate::ir::Arithmetic;

/// Half of the distance between the largest doubles, 2^970: the largest double plus a smaller number stays finite.
const HALF_STEP: f64 = f64::from_bits((970 + 1023) << 52);

pub(super) fn calculate(operation: Arithmetic, left: Value, right: Value) -> Result<Value, ExprError> {
    let (symbol, binding) = match operation {
        Arithmetic::Add => (" + ", Binding::Add),
        Arithmetic::Subtract => (" - ", Binding::Add),
        Arithmetic::Multiply => (" * ", Binding::Multiply),
        Arithmetic::Divide => (" / ", Binding::Multiply),
        Arithmetic::Remainder => return Err(unsupported("`%` takes whole numbers, as returned by `int(…)`")),
    };
    let plain = Piece::operation(&left.piece, symbol, &right.piece, binding);
    let (one, other) = (Magnitudes::new(&left), Magnitudes::new(&right));
    let finite = one.finite && other.finite;
    let (piece, largest, smallest) = match operation {
        Arithmetic::Add | Arithmetic::Subtract => {
            let largest = one.largest + other.largest;
            let is_safe = largest.is_finite() || one.largest.min(other.largest) < HALF_STEP;
            let piece = if is_safe { plain } else { guarded_sum(operation, &left.piece, &right.piece, plain) };
            (piece, largest.min(f64::MAX), f64::from_bits(1))
        }
        Arithmetic::Multiply => {
            let (largest, smallest) = (one.largest * other.largest, one.smallest * other.smallest);
            let is_safe = largest.is_finite() && (smallest > 0.0 || one.largest == 0.0 || other.largest == 0.0);
            let piece = match (constant(&left.piece), constant(&right.piece)) {
                _ if is_safe => plain,
                (_, Some(number)) => scaled(&left.piece, number, operation, &plain),
                (Some(number), _) => scaled(&right.piece, number, operation, &plain),
                _ => return Err(range_error("a product")),
            };
            (piece, largest.min(f64::MAX), smallest.max(f64::from_bits(1)))
        }
        _ => match constant(&right.piece) {
            Some(number) => (divided(&left.piece, number, &one, plain), f64::MAX, f64::from_bits(1)),
            None => return Err(range_error("a quotient")),
        },
    };
    let is_sum = matches!(operation, Arithmetic::Add | Arithmetic::Subtract);
    let is_finite = finite && (one.largest + other.largest).is_finite() && is_sum
        || finite && operation == Arithmetic::Multiply && (one.largest * other.largest).is_finite();
    let value = combine(piece, SqlType::Double, &left, &right);
    Ok(value.with_bounds(Bounds::Real { largest, smallest, finite: is_finite }))
}

#[cold]
fn range_error(operation: &str) -> ExprError {
    unsupported(format!(
        "{operation} of two doubles that are not constants can exceed the range of doubles, which is an error in PostgreSQL: \
         multiply by a constant instead, as in `a > 0.5 * b`"
    ))
}

struct Magnitudes {
    largest: f64,
    smallest: f64,
    finite: bool,
}

impl Magnitudes {
    fn new(value: &Value) -> Self {
        match value.bounds {
            Bounds::Real { largest, smallest, finite } => Self { largest, smallest, finite },
            _ => Self { largest: f64::MAX, smallest: f64::from_bits(1), finite: false },
        }
    }
}

/// Returns the number of a piece that is just a constant.
fn constant(piece: &Piece) -> Option<f64> {
    match (piece.slots.as_slice(), piece.text.as_str()) {
        ([Slot::DoublePrecision(number)], "?::float8") => Some(*number),
        _ => None,
    }
}

/// Returns a sum of any two doubles. If both have the same sign and the smaller one exceeds the remaining range of the larger one,
/// the sum is infinite; both sides of that comparison are exact in close cases.
fn guarded_sum(operation: Arithmetic, left: &Piece, right: &Piece, plain: Piece) -> Piece {
    let sign = |piece: &Piece| Piece::call("sign", &[piece]);
    let size = |piece: &Piece| Piece::call("abs", &[piece]);
    let sides = |function: &str| Piece::call(function, &[&size(left), &size(right)]);
    let other_sign = match operation {
        Arithmetic::Add => sign(right),
        _ => Builder::default().text("-").operand(&sign(right), Binding::Cast).finish(Binding::Sign),
    };
    let smaller = Piece::operation(&sides("least"), " - ", &Piece::atom("9.979201547673599e291"), Binding::Add);
    let largest = Piece::atom("1.7976931348623157e308");
    let left_over = Piece::operation(&largest, " - ", &sides("greatest"), Binding::Add);
    let overflows =
        Piece::comparison(&sign(left), " = ", &other_sign).and(Piece::comparison(&smaller, " >= ", &left_over));
    let infinite = times(left, "'Infinity'");
    let builder = Builder::default().text("CASE WHEN ").operand(&overflows, Binding::Or).text(" THEN ");
    let builder = builder.operand(&infinite, Binding::Or).text(" ELSE ").operand(&plain, Binding::Or);
    builder.text(" END").finish(Binding::Atom)
}

fn times(piece: &Piece, literal: &str) -> Piece {
    Piece::operation(piece, " * ", &Piece::atom(literal), Binding::Multiply)
}

/// Returns a quotient by a constant.
fn divided(left: &Piece, number: f64, magnitudes: &Magnitudes, plain: Piece) -> Piece {
    if number == 0.0 {
        // Infinite with the product of the signs; 0 / 0 is NaN.
        return times(left, if number.is_sign_positive() { "'Infinity'" } else { "'-Infinity'" });
    }
    let size = number.abs();
    let is_safe = (magnitudes.largest / size).is_finite() && magnitudes.smallest / size > 0.0;
    if is_safe || !number.is_finite() { plain } else { scaled(left, number, Arithmetic::Divide, &plain) }
}

/// Returns a product with a constant, or a quotient by one. The operands that exceed the range are known: above a limit the result
/// is infinite, and below another limit it is zero.
fn scaled(operand: &Piece, number: f64, operation: Arithmetic, plain: &Piece) -> Piece {
    if number == 0.0 || !number.is_finite() {
        return plain.clone();
    }
    let size = number.abs();
    let result = |operand: f64| if operation == Arithmetic::Divide { operand / size } else { operand * size };
    let (infinity, zero) = if number > 0.0 { ("'Infinity'", "0") } else { ("'-Infinity'", "'-0'") };
    let magnitude = Piece::call("abs", &[operand]);
    let case = |builder: Builder, operator: &str, limit: f64, literal: &str| {
        let limit = Piece::slot(Slot::DoublePrecision(limit));
        let condition = Piece::comparison(&magnitude, operator, &limit);
        let builder = builder.text("WHEN ").operand(&condition, Binding::Or).text(" THEN ");
        builder.operand(&times(operand, literal), Binding::Or).text(" ")
    };
    let mut builder = Builder::default().text("CASE ");
    if result(f64::MAX).is_infinite() {
        let limit = largest_where(|operand| result(operand).is_finite());
        builder = case(builder, " > ", limit, infinity);
    }
    if result(f64::from_bits(1)) == 0.0 {
        let limit = largest_where(|operand| result(operand) == 0.0);
        builder = case(builder, " <= ", limit, zero);
    }
    builder.text("ELSE ").operand(plain, Binding::Or).text(" END").finish(Binding::Atom)
}

/// Returns the largest positive double for which a predicate holds that is true for small and false for large doubles.
fn largest_where(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0_u64, f64::MAX.to_bits());
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if holds(f64::from_bits(middle)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    f64::from_bits(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_of_a_product_are_exact() {
        let limit = largest_where(|operand| (operand * 1.25).is_finite());
        assert!((limit * 1.25).is_finite() && (f64::from_bits(limit.to_bits() + 1) * 1.25).is_infinite());
        let limit = largest_where(|operand| operand * 0.25 == 0.0);
        assert!(limit * 0.25 == 0.0 && f64::from_bits(limit.to_bits() + 1) * 0.25 > 0.0);
        assert!((f64::MAX + f64::from_bits(HALF_STEP.to_bits() - 1)).is_finite());
        assert!((f64::MAX + HALF_STEP).is_infinite());
        assert_eq!("9.979201547673599e291".parse::<f64>(), Ok(HALF_STEP));
    }
}
