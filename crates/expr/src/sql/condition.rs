//! Conditions: what connects them, and what they consist of.

use super::distribute::distributed;
use super::piece::{Binding, Builder, Piece};
use super::relation::Joined;
use super::value::{SqlType, Value, WhenNull};
use super::{Compiler, Mode, bounded, refuse};
use crate::ExprError;
use crate::ir::{Const, Expr};

/// A compiled condition.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// True, false or an error for every record.
    Known(Option<bool>),
    Sql {
        piece: Piece,
        /// Whether it may be NULL, an error.
        nullable: bool,
    },
}

/// A condition, and what must hold or else it is an error.
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

    /// `holds` for every value that is no error.
    pub(super) fn unless_failed(holds: bool, values: &[&Value], mode: Mode) -> Self {
        let failing: Vec<&Piece> = values.iter().filter(|value| value.may_fail()).map(|value| &value.piece).collect();
        if failing.is_empty() || (mode == Mode::Where && !holds) {
            return Self::Known(Some(holds));
        }
        let present: Vec<Piece> = failing.iter().map(|piece| piece.is("NOT NULL")).collect();
        let all_present = Piece::chain(&present, true);
        match mode {
            Mode::Where => Self::never_null(all_present),
            // TRUE becomes `holds`, FALSE becomes NULL.
            Mode::Exact if holds => Self::may_be_null(Piece::call("nullif", &[&all_present, &Piece::atom("false")])),
            Mode::Exact => Self::may_be_null(Piece::atom("false").when(&all_present)),
        }
    }

    /// The condition where the guards hold, and an error elsewhere.
    fn guarded(self, guards: Vec<Piece>, mode: Mode) -> Self {
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

impl Compiler<'_> {
    /// Compiles a condition, or its negation.
    pub(super) fn condition(&mut self, expr: &Expr, negated: bool, mode: Mode) -> Result<Condition, ExprError> {
        let condition = match expr {
            Expr::Const(Const::Bool(value)) => Condition::Known(Some(*value != negated)),
            Expr::Not(operand) => self.condition(operand, !negated, mode)?,
            Expr::And(operands) => self.chain(&operands.iter().collect::<Vec<_>>(), !negated, negated, mode)?,
            Expr::Or(operands) => self.chain(&operands.iter().collect::<Vec<_>>(), negated, negated, mode)?,
            Expr::Conditional { condition, then, otherwise } => {
                self.conditional(condition, (then, otherwise), negated, mode)?
            }
            leaf => match distributed(leaf) {
                Some(conditional) => self.condition(&conditional, negated, mode)?,
                None => self.joined_leaf(leaf, negated, mode)?,
            },
        };
        if let Condition::Sql { piece, .. } = &condition {
            bounded(&piece.text)?;
        }
        Ok(condition)
    }

    /// Conditions of which `all` must hold, or any.
    fn chain(&mut self, operands: &[&Expr], all: bool, negated: bool, mode: Mode) -> Result<Condition, ExprError> {
        let groups = if mode == Mode::Where { self.by_relation(operands) } else { alone(operands) };
        let mut pieces = Vec::new();
        let mut nullable = false;
        for (relation, group) in groups {
            let condition = match (relation, group.as_slice()) {
                (Some(relation), group) => {
                    let (condition, joined) =
                        self.with_joined(vec![relation], |this| this.chain(group, all, negated, mode));
                    self.related_condition(&joined, condition?, mode)
                }
                (None, group) => match group {
                    [operand] => self.condition(operand, negated, mode)?,
                    _ => return Err(refuse("conditions were lost: this is a fault of ours")),
                },
            };
            match condition {
                Condition::Known(Some(value)) if value == all => {}
                Condition::Known(Some(_)) => return Ok(Condition::Known(Some(!all))),
                Condition::Known(None) if mode == Mode::Where && all => return Ok(Condition::Known(Some(false))),
                Condition::Known(None) if mode == Mode::Where => {}
                condition => {
                    nullable |= condition.nullable();
                    pieces.push(condition.piece());
                }
            }
        }
        if pieces.is_empty() {
            return Ok(Condition::Known(Some(all)));
        }
        Ok(Condition::Sql { piece: Piece::chain(&pieces, all), nullable })
    }

    /// Puts together what needs one relation, so that it is looked up once.
    fn by_relation<'e>(&self, operands: &[&'e Expr]) -> Vec<(Option<Joined>, Vec<&'e Expr>)> {
        let mut groups: Vec<(Option<Joined>, Vec<&'e Expr>)> = Vec::new();
        for operand in operands {
            let relation = self.sole_relation(operand);
            let same = groups.iter_mut().find(|(other, _)| match (other, &relation) {
                (Some(other), Some(relation)) => other.reference == relation.reference,
                _ => false,
            });
            match same {
                Some((_, group)) => group.push(operand),
                None => groups.push((relation, vec![operand])),
            }
        }
        groups
    }

    fn conditional(
        &mut self,
        condition: &Expr,
        (then, otherwise): (&Expr, &Expr),
        negated: bool,
        mode: Mode,
    ) -> Result<Condition, ExprError> {
        let condition = self.condition(condition, false, Mode::Exact)?;
        let branches = match condition {
            Condition::Known(Some(true)) => return self.condition(then, negated, mode),
            Condition::Known(Some(false)) => return self.condition(otherwise, negated, mode),
            Condition::Known(None) => return Ok(Condition::Known(None)),
            Condition::Sql { .. } => (self.condition(then, negated, mode)?, self.condition(otherwise, negated, mode)?),
        };
        let nullable = condition.nullable() || branches.0.nullable() || branches.1.nullable();
        Ok(Condition::Sql { piece: choice(condition, &branches.0.piece(), &branches.1.piece()), nullable })
    }

    /// A condition without conditions in it, joined with the relations that it cannot do without.
    fn joined_leaf(&mut self, leaf: &Expr, negated: bool, mode: Mode) -> Result<Condition, ExprError> {
        let missing = self.missing(leaf);
        if missing.is_empty() {
            let (condition, guards) = self.leaf(leaf, negated, mode)?;
            return Ok(condition.guarded(guards, mode));
        }
        let (condition, joined) = self.with_joined(missing, |this| this.joined_leaf(leaf, negated, mode));
        Ok(self.related_condition(&joined, condition?, mode))
    }

    fn leaf(&mut self, leaf: &Expr, negated: bool, mode: Mode) -> Result<Guarded, ExprError> {
        Ok(match leaf {
            Expr::Has(field) => self.has(field, negated, mode)?,
            Expr::Compare { comparison, left, right } => self.compare(*comparison, (left, right), negated, mode)?,
            Expr::OneOf { value, constants } => self.one_of(value, constants, negated, mode)?,
            Expr::ElementOf { value, list } => self.element_of(value, list, negated, mode)?,
            Expr::TextTest { test, text, part } => self.text_test(*test, (text, part), negated, mode)?,
            Expr::Matches { text, pattern } => self.matches(text, pattern, negated, mode)?,
            Expr::Quantified { quantifier, list, condition, .. } => {
                self.quantified(*quantifier, list, condition, negated, mode)?
            }
            Expr::Search { field, words, language } => {
                (self.search(field, words, language, negated, mode)?, Vec::new())
            }
            value => {
                let value = self.value(value)?;
                if value.ty != SqlType::Boolean {
                    return Err(refuse("a condition is no bool: this is a fault of ours"));
                }
                truth(value, negated, mode)
            }
        })
    }
}

/// A bool as a condition.
fn truth(value: Value, negated: bool, mode: Mode) -> Guarded {
    let guards = value.guards(!negated && mode == Mode::Where);
    let nullable = value.may_fail();
    let piece = match (negated, mode) {
        // NULL stands for false, which is no match either.
        (false, Mode::Where) => value.piece,
        (true, _) if value.null == WhenNull::Zero && value.is_column => value.piece.not().or(value.piece.is("NULL")),
        (true, _) => value.settled().piece.not(),
        (false, Mode::Exact) => value.settled().piece,
    };
    (Condition::Sql { piece, nullable }, guards)
}

/// `CASE` by a condition that may be an error.
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

fn alone<'e>(operands: &[&'e Expr]) -> Vec<(Option<Joined>, Vec<&'e Expr>)> {
    operands.iter().map(|operand| (None, vec![*operand])).collect()
}
