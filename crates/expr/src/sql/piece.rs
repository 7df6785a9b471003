//! Pieces of SQL: text with slots and operator precedence, so that brackets are only added where required.

use super::Slot;

/// The precedence of a piece in PostgreSQL, the loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Binding {
    Or,
    And,
    Not,
    Is,
    Compare,
    Like,
    /// `->`, `||`, `@>` and similar operators.
    Other,
    Add,
    Multiply,
    AtTimeZone,
    Collate,
    Sign,
    Cast,
    Atom,
}

/// A piece of SQL.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) slots: Vec<Slot>,
    pub(super) binding: Binding,
}

impl Piece {
    /// Returns a piece without slots that needs no brackets.
    pub(super) fn atom(text: impl Into<String>) -> Self {
        Self { text: text.into(), slots: Vec::new(), binding: Binding::Atom }
    }

    /// Returns a slot whose type PostgreSQL infers from the context.
    pub(super) fn slot(slot: Slot) -> Self {
        Self { text: "?".to_owned(), slots: vec![slot], binding: Binding::Atom }
    }

    /// Returns a slot with an explicit type.
    pub(super) fn typed(slot: Slot, ty: &str) -> Self {
        Self { text: format!("?::{ty}"), slots: vec![slot], binding: Binding::Cast }
    }

    /// Returns `left operator right` for a left-associative operator.
    pub(super) fn operation(left: &Self, operator: &str, right: &Self, binding: Binding) -> Self {
        Builder::default().operand(left, binding).text(operator).operand(right, binding.tighter()).finish(binding)
    }

    /// Returns a comparison, which is not associative.
    pub(super) fn comparison(left: &Self, operator: &str, right: &Self) -> Self {
        let inner = Binding::Like;
        Builder::default().operand(left, inner).text(operator).operand(right, inner).finish(Binding::Compare)
    }

    /// Returns `left IS DISTINCT FROM right` or similar.
    pub(super) fn distinction(left: &Self, operator: &str, right: &Self) -> Self {
        let inner = Binding::Other;
        Builder::default().operand(left, inner).text(operator).operand(right, inner).finish(Binding::Is)
    }

    /// Returns `IS NULL` or similar.
    pub(super) fn is(&self, predicate: &str) -> Self {
        Builder::default().operand(self, Binding::Other).text(" IS ").text(predicate).finish(Binding::Is)
    }

    pub(super) fn not(&self) -> Self {
        Builder::default().text("NOT ").operand(self, Binding::Other).finish(Binding::Not)
    }

    pub(super) fn cast(&self, ty: &str) -> Self {
        Builder::default().operand(self, Binding::Cast).text("::").text(ty).finish(Binding::Cast)
    }

    pub(super) fn collated(&self) -> Self {
        Builder::default().operand(self, Binding::Collate).text(" COLLATE \"C\"").finish(Binding::Collate)
    }

    /// Returns `function(argument, …)`.
    pub(super) fn call(function: &str, arguments: &[&Self]) -> Self {
        let mut builder = Builder::default().text(function).text("(");
        for (at, argument) in arguments.iter().enumerate() {
            builder = builder.text(if at == 0 { "" } else { ", " }).operand(argument, Binding::Or);
        }
        builder.text(")").finish(Binding::Atom)
    }

    /// Joins pieces with `AND` or `OR`; returns a single piece unchanged.
    pub(super) fn chain(pieces: &[Self], all: bool) -> Self {
        let (word, binding) = if all { (" AND ", Binding::And) } else { (" OR ", Binding::Or) };
        match pieces {
            [piece] => piece.clone(),
            pieces => {
                let mut builder = Builder::default();
                for (at, piece) in pieces.iter().enumerate() {
                    builder = builder.text(if at == 0 { "" } else { word }).operand(piece, binding);
                }
                builder.finish(binding)
            }
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self::chain(&[self, other], true)
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self::chain(&[self, other], false)
    }

    /// Returns `CASE WHEN guard THEN self END`.
    pub(super) fn when(&self, guard: &Self) -> Self {
        let builder = Builder::default().text("CASE WHEN ").operand(guard, Binding::Or);
        builder.text(" THEN ").operand(self, Binding::Or).text(" END").finish(Binding::Atom)
    }
}

impl Binding {
    /// Returns the next tighter precedence.
    fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Is,
            Self::Is => Self::Compare,
            Self::Compare => Self::Like,
            Self::Like => Self::Other,
            Self::Other => Self::Add,
            Self::Add => Self::Multiply,
            Self::Multiply => Self::AtTimeZone,
            Self::AtTimeZone => Self::Collate,
            Self::Collate => Self::Sign,
            Self::Sign => Self::Cast,
            Self::Cast | Self::Atom => Self::Atom,
        }
    }
}

/// Builds a piece.
#[derive(Debug, Default)]
pub(super) struct Builder {
    text: String,
    slots: Vec<Slot>,
}

impl Builder {
    /// Appends fixed text.
    pub(super) fn text(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Appends a piece, in brackets if its precedence is lower than `at_least`.
    pub(super) fn operand(mut self, piece: &Piece, at_least: Binding) -> Self {
        let brackets = piece.binding < at_least;
        self.text.push_str(if brackets { "(" } else { "" });
        self.text.push_str(&piece.text);
        self.text.push_str(if brackets { ")" } else { "" });
        self.slots.extend_from_slice(&piece.slots);
        self
    }

    pub(super) fn finish(self, binding: Binding) -> Piece {
        Piece { text: self.text, slots: self.slots, binding }
    }
}
