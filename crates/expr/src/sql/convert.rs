//! Compiles conversions between types.

use super::arithmetic::range_guard;
use super::piece::{Binding, Builder, Piece};
use super::unsupported;
use super::value::{Bounds, SqlType, Value, WhenNull};
use crate::ExprError;
use crate::ir::Type;

const INT: (i128, i128) = (i64::MIN as i128, i64::MAX as i128);
const UINT: (i128, i128) = (0, u64::MAX as i128);

/// Converts a normalized value.
pub(super) fn convert(value: Value, ty: &Type) -> Result<Value, ExprError> {
    match (value.ty, ty) {
        (SqlType::Double, Type::Int) => Ok(truncate(value, "> -9223372036854775808", None)),
        (SqlType::Double, Type::Uint) => Ok(truncate(value, ">= 0", Some("18446744073709551616"))),
        (from, Type::Int) if from.is_whole() => Ok(limit_to(value, INT)),
        (from, Type::Uint) if from.is_whole() => Ok(limit_to(value, UINT)),
        (from, Type::Double) if from.is_whole() => {
            let (least, most) = value.range();
            #[expect(clippy::cast_precision_loss, reason = "it is a bound, and rounds like the values")]
            let largest = least.unsigned_abs().max(most.unsigned_abs()) as f64;
            let bounds = Bounds::Real { largest, smallest: 1.0, finite: true };
            Ok(Value { piece: value.piece.cast("float8"), ty: SqlType::Double, is_column: false, bounds, ..value })
        }
        (SqlType::Text, Type::String) | (SqlType::Double, Type::Double) => Ok(value),
        (from, Type::String) if from.is_whole() || from == SqlType::Boolean => Ok(Value {
            piece: value.piece.cast("text"),
            ty: SqlType::Text,
            is_column: false,
            bounds: Bounds::Unknown,
            ..value
        }),
        _ => Err(unsupported("this conversion has no exact SQL: compare the value as it is")),
    }
}

/// Converts an integer to the other integer type.
fn limit_to(mut value: Value, legal: (i128, i128)) -> Value {
    let (least, most) = value.range();
    if least < legal.0 || most > legal.1 {
        value.guards.push(range_guard(&value.piece, (least, most), legal));
    }
    let bounds = Bounds::Whole(least.max(legal.0), most.min(legal.1));
    Value { bounds, ..value }
}

/// Truncates a double that is in range. Doubles beyond the range of `bigint` are whole.
fn truncate(value: Value, from: &str, end: Option<&str>) -> Value {
    let compared = |operator: &str, number: &str| Piece::comparison(&value.piece, operator, &Piece::atom(number));
    let lower = Builder::default().operand(&value.piece, Binding::Like).text(" ").text(from).finish(Binding::Compare);
    let inside = lower.and(compared(" < ", "9223372036854775808"));
    let bigint = Piece::call("trunc", &[&value.piece]).cast("bigint");
    let builder = Builder::default().text("CASE WHEN ").operand(&inside, Binding::Or).text(" THEN ");
    let mut builder = builder.operand(&bigint, Binding::Or);
    let (mut ty, mut bounds) = (SqlType::Bigint, Bounds::Whole(INT.0, INT.1));
    if let Some(end) = end {
        let beyond = compared(" >= ", "9223372036854775808").and(compared(" < ", end));
        let half = Piece::atom("9223372036854775808");
        let rest = Piece::operation(&value.piece, " - ", &half, Binding::Add).cast("bigint");
        let sum = Piece::operation(&rest, " + ", &half, Binding::Add);
        builder = builder.text(" WHEN ").operand(&beyond, Binding::Or).text(" THEN ").operand(&sum, Binding::Or);
        (ty, bounds) = (SqlType::Numeric, Bounds::Whole(UINT.0, UINT.1));
    }
    let piece = builder.text(" END").finish(Binding::Atom);
    Value { piece, ty, null: WhenNull::Error, is_column: false, bounds, ..value }
}
