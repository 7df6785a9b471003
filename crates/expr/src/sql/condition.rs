//! Compiled conditions.

use super::Mode;
use super::piece::{Binding, Builder, Piece};
use super::value::{Value, WhenNull};

/// A compiled condition.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// True, false or an error (`None`) for every record.
    Known(Option<bool>),
    Sql {
        piece: Piece,
        /// Whether it can be NULL, which is an error.
        nullable: bool,
    },
}

/// A condition, and guards that must hold or else it is an error.
pub(super) type Guarded = (Condition, Vec<Piece>);

impl Condition {
    pub(super) fn never_null(piece: Piece) -> Self {
        Self::Sql { piece, nullable: false }
    }

    pub(super) fn may_be_null(piece: Piece) -> Self {
        Self::Sql { piece, nullable: true }
    }

    pub(super) fn nullable(&self) -> bool {
        matches!(self, Self::Known(None) | Self::Sql { nullable: true, .. })
    }

    pub(super) fn piece(self) -> Piece {
        match self {
            Self::Known(Some(true)) => Piece::atom("true"),
            Self::Known(Some(false)) => Piece::atom("false"),
            Self::Known(None) => Piece { binding: Binding::Cast, ..Piece::atom("NULL::boolean") },
            Self::Sql { piece, .. } => piece,
        }
    }

    /// Returns a condition that is `holds` unless a value is an error.
    pub(super) fn unless_failed(holds: bool, values: &[&Value], mode: Mode) -> Self {
        let failing: Vec<&Piece> = values.iter().filter(|value| value.may_fail()).map(|value| &value.piece).collect();
        if failing.is_empty() || (mode == Mode::Where && !holds) {
            return Self::Known(Some(holds));
        }
        let present: Vec<Piece> = failing.iter().map(|piece| piece.is("NOT NULL")).collect();
        let all_present = Piece::chain(&present, true);
        match mode {
            Mode::Where => Self::never_null(all_present),
            // TRUE stays TRUE, FALSE becomes NULL.
            Mode::Exact if holds => Self::may_be_null(Piece::call("nullif", &[&all_present, &Piece::atom("false")])),
            Mode::Exact => Self::may_be_null(Piece::atom("false").when(&all_present)),
        }
    }

    /// Returns the condition where the guards hold, and an error elsewhere.
    pub(super) fn guarded(self, guards: Vec<Piece>, mode: Mode) -> Self {
        if guards.is_empty() || matches!(self, Self::Known(None)) {
            return self;
        }
        match (mode, self) {
            (Mode::Where, Self::Known(Some(false))) => Self::Known(Some(false)),
            (Mode::Where, Self::Known(_)) => Self::may_be_null(Piece::chain(&guards, true)),
            (Mode::Where, Self::Sql { piece, .. }) => {
                let pieces: Vec<Piece> = [piece].into_iter().chain(guards).collect();
                Self::may_be_null(Piece::chain(&pieces, true))
            }
            (Mode::Exact, condition) => Self::may_be_null(condition.piece().when(&Piece::chain(&guards, true))),
        }
    }
}

/// Returns a `CASE` on a condition that can be an error.
pub(super) fn choice(condition: Condition, then: &Piece, otherwise: &Piece) -> Piece {
    let nullable = condition.nullable();
    let condition = condition.piece();
    let builder = if nullable {
        let builder = Builder::default().text("CASE ").operand(&condition, Binding::Other).text(" WHEN true THEN ");
        builder.operand(then, Binding::Or).text(" WHEN false THEN ")
    } else {
        let builder = Builder::default().text("CASE WHEN ").operand(&condition, Binding::Or).text(" THEN ");
        builder.operand(then, Binding::Or).text(" ELSE ")
    };
    builder.operand(otherwise, Binding::Or).text(" END").finish(Binding::Atom)
}

/// Compiles `x == null` for a field of a wrapper type.
pub(super) fn with_null(value: &Value, equal: bool) -> Condition {
    match value.null {
        WhenNull::Null => Condition::never_null(value.piece.is(if equal { "NULL" } else { "NOT NULL" })),
        _ => Condition::Known(Some(!equal)),
    }
}
