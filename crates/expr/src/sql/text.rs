//! Compiles tests of texts: prefixes, substrings, patterns, and words.

use super::condition::{Condition, Guarded};
use super::piece::{Binding, Piece};
use super::value::{Value, WhenNull};
use super::{Compiler, Mode, Slot, constant};
use crate::ExprError;
use crate::ir::{Comparison, Const, Expr, Field, Pattern, Root, TextTest};
use groundplan_model::catalog::{IndexMethod, Model};
use groundplan_model::quote_literal;

/// A compiled test of a text.
type Test<'t> = &'t dyn Fn(&Piece) -> Piece;

impl Compiler<'_> {
    pub(super) fn text_test(
        &mut self,
        test: TextTest,
        (text, part): (&Expr, &Expr),
        negated: bool,
        mode: Mode,
    ) -> Result<Guarded, ExprError> {
        let value = self.value(text)?;
        let value = if value.ty == super::value::SqlType::Uuid { value.normalized() } else { value };
        let Expr::Const(Const::String(part)) = part else {
            let (text, part) = (value.normalized(), self.value(part)?.normalized());
            let guards = text.guards.iter().chain(&part.guards).cloned().collect();
            let piece = parts(test, &text.piece, &part.piece);
            let piece = if negated { piece.not() } else { piece };
            let nullable = text.may_fail() || part.may_fail();
            return Ok((Condition::Sql { piece, nullable }, guards));
        };
        constant::text(part)?;
        let guards = value.guards.clone();
        if part.is_empty() {
            return Ok((Condition::unless_failed(!negated, &[&value], mode), guards));
        }
        let like = |left: &Piece| {
            let operator = if negated { " NOT LIKE " } else { " LIKE " };
            let pattern = Piece::slot(Slot::Text(pattern(test, part)));
            Piece { binding: Binding::Like, ..Piece::operation(left, operator, &pattern, Binding::Other) }
        };
        let range = |left: &Piece| range_guard(left, part);
        let by_function = |left: &Piece| {
            let piece = Piece::call("starts_with", &[left, &Piece::slot(Slot::Text(part.clone()))]);
            if negated { piece.not() } else { piece }
        };
        let is_range = value.is_column && !negated;
        let compiled: Test<'_> = match test {
            TextTest::StartsWith if is_range && !self.only_trigrams(text) => &range,
            TextTest::StartsWith if !value.is_column || negated => &by_function,
            _ => &like,
        };
        // The empty text has no non-empty parts.
        Ok(tested(value, compiled, negated, mode))
    }

    pub(super) fn matches(
        &mut self,
        text: &Expr,
        pattern: &Pattern,
        negated: bool,
        mode: Mode,
    ) -> Result<Guarded, ExprError> {
        let value = self.value(text)?;
        let value = if value.ty == super::value::SqlType::Uuid { value.normalized() } else { value };
        let guards = value.guards.clone();
        let operator = if negated { " !~ " } else { " ~ " };
        let slot = Piece::slot(constant::text(&pattern.postgres)?);
        let test = |left: &Piece| Piece::operation(left, operator, &slot, Binding::Other);
        if value.null == WhenNull::Zero && pattern.regex.is_match("") {
            return Ok((Condition::never_null(test(&value.normalized().piece)), guards));
        }
        Ok(tested(value, &test, negated, mode))
    }

    pub(super) fn search(
        &mut self,
        field: &Field,
        words: &str,
        language: &str,
        negated: bool,
        mode: Mode,
    ) -> Result<Condition, ExprError> {
        let value = self.field(field)?;
        let language = Piece::atom(quote_literal(language)).cast("regconfig");
        let query = Piece::call("websearch_to_tsquery", &[&language, &Piece::slot(constant::text(words)?)]);
        let test = |left: &Piece| {
            let vector = Piece::call("to_tsvector", &[&language, left]);
            let piece = Piece::operation(&vector, " @@ ", &query, Binding::Other);
            if negated { piece.not() } else { piece }
        };
        // The index is on the plain column.
        Ok(if value.null == WhenNull::Zero && mode == Mode::Where && !negated {
            Condition::may_be_null(test(&value.piece))
        } else {
            let nullable = value.may_fail();
            Condition::Sql { piece: test(&value.normalized().piece), nullable }
        })
    }

    /// Whether a text has a trigram index but no ordered index.
    fn only_trigrams(&self, text: &Expr) -> bool {
        let Expr::Field(Field { root, steps, .. }) = text else { return false };
        let (model, [field]): (&Model, &[_]) = (
            match root {
                Root::Record => self.scope.model,
                Root::Related { model, .. } => model,
                Root::Variable(_) | Root::Element(_) => return false,
            },
            steps.as_slice(),
        ) else {
            return false;
        };
        let has = |method: &IndexMethod| {
            let mut indexes = model.indexes.iter();
            indexes
                .any(|index| index.method == *method && index.fields.first().is_some_and(|first| first.field == *field))
        };
        has(&IndexMethod::Trigram) && !has(&IndexMethod::Ordered)
    }
}

/// Returns a test that the empty text does not pass.
fn tested(value: Value, test: Test<'_>, negated: bool, mode: Mode) -> Guarded {
    let guards = value.guards(value.null == WhenNull::Zero && mode == Mode::Where && !negated);
    let condition = match value.null {
        WhenNull::Never => Condition::never_null(test(&value.piece)),
        WhenNull::Zero if mode == Mode::Where && !negated => Condition::may_be_null(test(&value.piece)),
        WhenNull::Zero if negated && value.is_column => {
            Condition::never_null(test(&value.piece).or(value.piece.is("NULL")))
        }
        WhenNull::Zero => Condition::never_null(test(&value.normalized().piece)),
        WhenNull::Error | WhenNull::Null => Condition::may_be_null(test(&value.piece)),
    };
    (condition, guards)
}

fn parts(test: TextTest, text: &Piece, part: &Piece) -> Piece {
    match test {
        TextTest::StartsWith => Piece::call("starts_with", &[text, part]),
        TextTest::EndsWith => {
            let end = Piece::call("right", &[text, &Piece::call("char_length", &[part])]);
            Piece::comparison(&end, " = ", part)
        }
        TextTest::Contains => Piece::comparison(&Piece::call("strpos", &[text, part]), " > ", &Piece::atom("0")),
    }
}

/// Returns the range of texts that start with a prefix.
fn range_guard(left: &Piece, prefix: &str) -> Piece {
    let text = super::value::SqlType::Text;
    let from = Comparison::GreaterOrEqual.piece(left, &Piece::slot(Slot::Text(prefix.to_owned())), text);
    match successor(prefix) {
        Some(end) => from.and(Comparison::Less.piece(left, &Piece::slot(Slot::Text(end)), text)),
        None => from,
    }
}

/// Returns the smallest text after all texts that start with a prefix, by code points; `None` if there is none.
fn successor(prefix: &str) -> Option<String> {
    let trimmed = prefix.trim_end_matches(char::MAX);
    let last = trimmed.chars().next_back()?;
    let next = match last {
        // Surrogates are not characters.
        '\u{D7FF}' => '\u{E000}',
        last => char::from_u32(u32::from(last) + 1)?,
    };
    let head = trimmed.strip_suffix(last)?;
    Some(format!("{head}{next}"))
}

/// Returns the pattern of a `LIKE`.
fn pattern(test: TextTest, part: &str) -> String {
    let escaped: String = part.chars().fold(String::new(), |mut pattern, character| {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
        pattern
    });
    match test {
        TextTest::StartsWith => format!("{escaped}%"),
        TextTest::EndsWith => format!("%{escaped}"),
        TextTest::Contains => format!("%{escaped}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_by_code_points() {
        assert_eq!(successor("ab"), Some("ac".to_owned()));
        assert_eq!(successor("a\u{10FFFF}"), Some("b".to_owned()));
        assert_eq!(successor("\u{D7FF}"), Some("\u{E000}".to_owned()));
        assert_eq!(successor("\u{10FFFF}\u{10FFFF}"), None);
        assert_eq!(successor("é"), Some("ê".to_owned()));
    }

    #[test]
    fn patterns_are_escaped() {
        assert_eq!(pattern(TextTest::Contains, "50%_\\"), "%50\\%\\_\\\\%");
    }
}
