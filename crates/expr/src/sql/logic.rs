//! Compiles conditions: `&&`, `||`, `!`, `? :`, and their operands.

use super::condition::{Condition, Guarded, choice};
use super::distribute::distribute_conditional;
use super::piece::Piece;
use super::relation::Joined;
use super::value::{SqlType, Value, WhenNull};
use super::{Compiler, Mode, check_length, unsupported};
use crate::ExprError;
use crate::ir::{Const, Expr};

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
            leaf => match distribute_conditional(leaf) {
                Some(conditional) => self.condition(&conditional, negated, mode)?,
                None => self.joined_leaf(leaf, negated, mode)?,
            },
        };
        if let Condition::Sql { piece, .. } = &condition {
            check_length(&piece.text)?;
        }
        Ok(condition)
    }

    /// Compiles conditions of which all or any must hold.
    fn chain(&mut self, operands: &[&Expr], all: bool, negated: bool, mode: Mode) -> Result<Condition, ExprError> {
        let groups = if mode == Mode::Where { self.by_relation(operands) } else { ungrouped(operands) };
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
                    _ => return Err(unsupported("conditions were lost: this is an internal error")),
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

    /// Groups conditions by relation, so that each relation is looked up once.
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

    /// Compiles a condition without nested conditions, joined with the relations that it requires.
    fn joined_leaf(&mut self, leaf: &Expr, negated: bool, mode: Mode) -> Result<Condition, ExprError> {
        let missing = self.missing_relations(leaf);
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
                    return Err(unsupported("a condition is not a bool: this is an internal error"));
                }
                truth(value, negated, mode)
            }
        })
    }
}

/// Converts a bool to a condition.
fn truth(value: Value, negated: bool, mode: Mode) -> Guarded {
    let guards = value.guards(!negated && mode == Mode::Where);
    let nullable = value.may_fail();
    let piece = match (negated, mode) {
        // NULL means false, which is no match either.
        (false, Mode::Where) => value.piece,
        (true, _) if value.null == WhenNull::Zero && value.is_column => value.piece.not().or(value.piece.is("NULL")),
        (true, _) => value.normalized().piece.not(),
        (false, Mode::Exact) => value.normalized().piece,
    };
    (Condition::Sql { piece, nullable }, guards)
}

fn ungrouped<'e>(operands: &[&'e Expr]) -> Vec<(Option<Joined>, Vec<&'e Expr>)> {
    operands.iter().map(|operand| (None, vec![*operand])).collect()
}
