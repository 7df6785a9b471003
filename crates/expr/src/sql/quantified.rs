//! Compiles `exists`, `all` and `exists_one`.

use super::condition::{Condition, Guarded};
use super::location::Variable;
use super::piece::{Binding, Builder, Piece};
use super::{Compiler, Mode};
use crate::ExprError;
use crate::ir::{Expr, Field, Quantifier};

impl Compiler<'_> {
    pub(super) fn quantified(
        &mut self,
        quantifier: Quantifier,
        list: &Field,
        condition: &Expr,
        negated: bool,
        mode: Mode,
    ) -> Result<Guarded, ExprError> {
        // Not any is the same as all not.
        let (quantifier, inner) = match (quantifier, negated) {
            (Quantifier::Exists, true) => (Quantifier::All, true),
            (Quantifier::All, true) => (Quantifier::Exists, true),
            (quantifier, _) => (quantifier, false),
        };
        let collection = self.collection(list)?;
        // A missing list is empty, which is no match.
        let is_strict = match quantifier {
            Quantifier::Exists => mode == Mode::Where,
            Quantifier::All => false,
            Quantifier::ExistsOne => mode == Mode::Where && !negated,
        };
        let guards = if is_strict { collection.guards.clone() } else { collection.all_guards() };
        let (from, element) = self.elements(&collection)?;
        self.quantifiers += 1;
        self.variables.push(Variable { element });
        let compiled = self.elementary(quantifier, condition, inner, mode);
        self.variables.pop();
        let (compiled, counter) = compiled?;
        if let (Condition::Known(Some(holds)), Quantifier::Exists | Quantifier::All) = (&compiled, quantifier)
            && *holds == (quantifier == Quantifier::All)
        {
            return Ok((Condition::Known(Some(*holds)), guards));
        }
        let nullable = compiled.nullable();
        let test = compiled.clone().piece();
        let condition = match (quantifier, mode) {
            (Quantifier::Exists, Mode::Where) => {
                let matching = if matches!(compiled, Condition::Known(_)) { None } else { Some(&test) };
                Condition::never_null(exists("EXISTS", &from, matching))
            }
            (Quantifier::Exists, Mode::Exact) if !nullable => {
                Condition::never_null(exists("EXISTS", &from, Some(&test)))
            }
            (Quantifier::All, _) if !nullable => Condition::never_null(exists("NOT EXISTS", &from, Some(&counter))),
            (Quantifier::All, Mode::Where) => {
                Condition::never_null(exists("NOT EXISTS", &from, Some(&test.is("NOT TRUE"))))
            }
            // PostgreSQL's ANY and ALL are chains of OR and AND, with the same handling of NULL.
            (Quantifier::Exists, Mode::Exact) => Condition::may_be_null(chain("ANY", &from, &test)),
            (Quantifier::All, Mode::Exact) => Condition::may_be_null(chain("ALL", &from, &test)),
            (Quantifier::ExistsOne, _) => {
                let counted =
                    if nullable { count_or_null(&from, &test, negated) } else { count(&from, &test, negated) };
                Condition::Sql { piece: counted, nullable }
            }
        };
        Ok((condition, guards))
    }
}

impl Compiler<'_> {
    /// Returns the condition on an element, or its negation if it is never an error.
    fn elementary(
        &mut self,
        quantifier: Quantifier,
        condition: &Expr,
        negated: bool,
        mode: Mode,
    ) -> Result<(Condition, Piece), ExprError> {
        if quantifier != Quantifier::All {
            let mode = if quantifier == Quantifier::Exists { mode } else { Mode::Exact };
            let compiled = self.condition(condition, negated, mode)?;
            let counter = apply_negation(compiled.clone().piece());
            return Ok((compiled, counter));
        }
        let before = self.quantifiers;
        let compiled = self.condition(condition, negated, Mode::Exact)?;
        // Nested quantifiers are compiled only once: compiling twice at each level would be exponential.
        let counter = if self.quantifiers > before {
            apply_negation(compiled.clone().piece())
        } else {
            self.condition(condition, !negated, Mode::Where)?.piece()
        };
        Ok((compiled, counter))
    }
}

fn apply_negation(condition: Piece) -> Piece {
    match condition.text.strip_prefix("NOT EXISTS") {
        Some(rest) if condition.binding == Binding::Not => {
            Piece { text: format!("EXISTS{rest}"), binding: Binding::Atom, ..condition }
        }
        _ => condition.not(),
    }
}

fn exists(word: &str, from: &Piece, condition: Option<&Piece>) -> Piece {
    let builder = Builder::default().text(word).text(" (SELECT 1").operand(from, Binding::Or);
    let builder = match condition {
        Some(condition) => builder.text(" WHERE ").operand(condition, Binding::Or),
        None => builder,
    };
    let binding = if word == "EXISTS" { Binding::Atom } else { Binding::Not };
    builder.text(")").finish(binding)
}

fn chain(word: &str, from: &Piece, condition: &Piece) -> Piece {
    let builder = Builder::default().text("true = ").text(word).text(" (SELECT ").operand(condition, Binding::Or);
    builder.operand(from, Binding::Or).text(")").finish(Binding::Compare)
}

fn count(from: &Piece, condition: &Piece, negated: bool) -> Piece {
    let builder = Builder::default().text("(SELECT count(*)").text(is_one(negated)).operand(from, Binding::Or);
    builder.text(" WHERE ").operand(condition, Binding::Or).text(")").finish(Binding::Atom)
}

/// Returns NULL if any element is an error. The conditions are in a separate sub-select, because PostgreSQL would attribute a
/// `count` that reads only the outer row to the outer statement.
fn count_or_null(from: &Piece, condition: &Piece, negated: bool) -> Piece {
    let builder = Builder::default().text("(SELECT CASE WHEN count(*) = count(c.v) THEN count(*) FILTER (WHERE c.v)");
    let builder = builder.text(is_one(negated)).text(" END FROM (SELECT ").operand(condition, Binding::Or);
    builder.operand(from, Binding::Or).text(") AS c(v))").finish(Binding::Atom)
}

fn is_one(negated: bool) -> &'static str {
    if negated { " <> 1" } else { " = 1" }
}
