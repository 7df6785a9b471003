//! Compiles `has(field)`.

use super::condition::{Condition, Guarded};
use super::location::{FieldLocation, LocatedField, value_from_text};
use super::piece::Piece;
use super::value::{SqlType, WhenNull};
use super::{Compiler, Mode, unsupported};
use crate::ExprError;
use crate::ir::Field;
use groundplan_model::shape::{Cardinality, Kind};

impl Compiler<'_> {
    pub(super) fn has(&mut self, field: &Field, negated: bool, mode: Mode) -> Result<Guarded, ExprError> {
        let LocatedField { location, mut guards, presence } = self.locate(field)?;
        if mode == Mode::Exact || negated {
            guards.extend(presence);
        }
        let condition = match &location {
            FieldLocation::Element(_) => Condition::Known(Some(!negated)),
            FieldLocation::Column { model, id, .. } if *id == model.roles.id => Condition::Known(Some(!negated)),
            FieldLocation::Column { model, id, field: shape, .. } => match shape.cardinality {
                Cardinality::Implicit if model.reference(*id).is_none() => {
                    let ty = SqlType::from_kind(shape.kind).ok_or_else(|| unsupported("a message is always there"))?;
                    let (column, zero) = (location.stored(), ty.zero());
                    let test = differs(&column, ty, zero, negated);
                    let is_double = negated && ty == SqlType::Double;
                    // An index finds the zeros; the second test excludes negative zeros.
                    Condition::never_null(if is_double { differs_from(&column, zero, true).and(test) } else { test })
                }
                Cardinality::Repeated | Cardinality::Map(_) => {
                    let ty = groundplan_model::column_type(shape);
                    let empty =
                        if ty == "jsonb" && shape.cardinality == Cardinality::Repeated { "'[]'" } else { "'{}'" };
                    Condition::never_null(differs_from(&location.stored(), empty, negated))
                }
                _ => Condition::never_null(present(&location.stored(), negated)),
            },
            FieldLocation::Member { field: shape, .. } => match shape.cardinality {
                Cardinality::Implicit => {
                    let value = value_from_text(&location.text(), shape.kind)?.with_null(WhenNull::Zero);
                    let (ty, zero) = (value.ty, value.ty.zero());
                    test_member(value.piece.clone(), value.normalized().piece, negated, mode, |piece| {
                        differs(piece, ty, zero, negated)
                    })
                }
                Cardinality::Repeated | Cardinality::Map(_) => {
                    let empty = if shape.cardinality == Cardinality::Repeated { "'[]'" } else { "'{}'" };
                    let normalized = Piece::call("coalesce", &[&location.stored(), &Piece::atom(empty)]);
                    test_member(location.stored(), normalized, negated, mode, |piece| {
                        differs_from(piece, empty, negated)
                    })
                }
                // `null` is a value of google.protobuf.Value, but not of other types.
                _ if matches!(shape.kind, Kind::Value) => Condition::never_null(present(&location.stored(), negated)),
                _ => Condition::never_null(present(&location.text(), negated)),
            },
        };
        Ok((condition, guards))
    }
}

/// Returns a test of a member that is empty if it is absent.
fn test_member(
    piece: Piece,
    normalized: Piece,
    negated: bool,
    mode: Mode,
    test: impl Fn(&Piece) -> Piece,
) -> Condition {
    if mode == Mode::Where && !negated {
        Condition::may_be_null(test(&piece))
    } else {
        Condition::never_null(test(&normalized))
    }
}

fn present(piece: &Piece, negated: bool) -> Piece {
    piece.is(if negated { "NULL" } else { "NOT NULL" })
}

fn differs(piece: &Piece, ty: SqlType, zero: &str, negated: bool) -> Piece {
    match (ty, negated) {
        (SqlType::Boolean, false) => piece.clone(),
        (SqlType::Boolean, true) => piece.not(),
        // Negative zero is equal to zero, but counts as set.
        (SqlType::Double, _) => differs_from(&piece.cast("text"), "'0'", negated),
        _ => differs_from(piece, zero, negated),
    }
}

fn differs_from(piece: &Piece, zero: &str, negated: bool) -> Piece {
    Piece::comparison(piece, if negated { " = " } else { " <> " }, &Piece::atom(zero))
}
