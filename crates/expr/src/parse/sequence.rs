//! Checks the order of tokens, with better errors than the parser's.

use super::depth;
use super::lex::Lexeme;
use crate::ExprError;
use crate::limits::{LimitKind, MAX_CONSTANTS, shortened};
use crate::purpose::Purpose;
use crate::tokens::Token;

/// The matching bracket of each bracket, by token number; other tokens have none.
pub(super) type Pairs = Vec<Option<usize>>;

/// Checks the sequence of tokens.
pub(super) fn check(source: &str, tokens: &[Lexeme], purpose: Purpose) -> Result<Pairs, ExprError> {
    let mut check = SequenceChecker {
        source,
        purpose,
        tokens,
        pairs: vec![None; tokens.len()],
        open: Vec::new(),
        conditions: Vec::new(),
        expects_operand: true,
    };
    for (at, token) in tokens.iter().enumerate() {
        if check.expects_operand { check.operand(at, token)? } else { check.operator(at, token)? }
    }
    check.end()?;
    let (deepest, at) = depth::deepest(source, tokens);
    if deepest > LimitKind::Depth.limit() {
        return Err(super::limit_error_at(source, at, LimitKind::Depth, deepest, purpose));
    }
    Ok(check.pairs)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Group,
    Call,
    List,
    Index,
}

struct OpenBracket {
    bracket: Bracket,
    at: usize,
    commas: usize,
    /// The number of `?` without `:` before it.
    conditions: usize,
}

struct SequenceChecker<'a> {
    source: &'a str,
    purpose: Purpose,
    tokens: &'a [Lexeme],
    pairs: Pairs,
    open: Vec<OpenBracket>,
    /// The `?` without a `:` so far.
    conditions: Vec<usize>,
    expects_operand: bool,
}

impl SequenceChecker<'_> {
    /// Checks a token where an operand is expected.
    fn operand(&mut self, at: usize, token: &Lexeme) -> Result<(), ExprError> {
        let text = token.text(self.source);
        let before = at.checked_sub(1).and_then(|before| self.tokens.get(before));
        let sign = before.map(|before| before.text(self.source)).filter(|_| self.is_sign(at));
        match (token.token, text) {
            _ if sign == Some(text) => {
                return Err(self.error(at, format!("`{text}{text}` has no effect: leave both out")));
            }
            (Token::Operator, "!" | "-") if sign.is_some() => {
                let sign = sign.unwrap_or_default();
                return Err(self.error(at, format!("brackets are missing between `{sign}` and `{text}`")));
            }
            (Token::Operator, "!" | "-") => {}
            (Token::Operator, ".") => {
                return Err(self.error(at, "a dot must be between a name and one of its fields: leave it out"));
            }
            (Token::Open, "(") => self.push(Bracket::Group, at),
            (Token::Open, _) => self.push(Bracket::List, at),
            (Token::Close, _) if self.is_empty_pair(at) => self.close(at, token)?,
            _ if token.is_operand() => self.expects_operand = false,
            (_, "&&" | "||") if before.is_none() => {
                return Err(self.error(at, format!("a condition is missing before `{text}`")));
            }
            _ => return Err(self.error(at, format!("a value is missing before `{text}`"))),
        }
        Ok(())
    }

    /// Checks a token after an operand.
    fn operator(&mut self, at: usize, token: &Lexeme) -> Result<(), ExprError> {
        let text = token.text(self.source);
        let before = at.checked_sub(1).and_then(|before| self.tokens.get(before));
        let after_point = before.is_some_and(|before| before.text(self.source) == "." && !before.is_operand());
        match (token.token, text) {
            _ if after_point && token.is_name() => {}
            _ if after_point => {
                return Err(self.error(at, "the name of a field is missing after the dot"));
            }
            // The name that must follow is not an operand.
            (Token::Operator, ".") => {}
            (Token::Operator, "!") => return Err(self.error(at, "an operator is missing before `!`")),
            (Token::Operator, _) => self.expects_operand = true,
            (Token::Open, "(")
                if before.is_some_and(|before| before.is_name() && !text_is_quoted(before, self.source)) =>
            {
                self.push(Bracket::Call, at);
            }
            (Token::Open, "(") => return Err(self.error(at, "an operator is missing before `(`")),
            (Token::Open, _) => self.push(Bracket::Index, at),
            (Token::Close, _) => self.close(at, token)?,
            (Token::Condition, _) => self.condition(at)?,
            (Token::Colon, _) => {
                let inside = self.open.last().map_or(0, |opened| opened.conditions);
                if self.conditions.len() <= inside {
                    return Err(
                        self.error(at, "`:` belongs to `condition ? value : other`, and there is no `?` before it")
                    );
                }
                self.conditions.pop();
                self.expects_operand = true;
            }
            (Token::Comma, _) => self.comma(at)?,
            _ => return Err(self.missing_operator(at, token)),
        }
        Ok(())
    }

    fn missing_operator(&self, at: usize, token: &Lexeme) -> ExprError {
        let text = token.text(self.source);
        let before = at.checked_sub(1).and_then(|before| self.tokens.get(before));
        if let Some(before) = before.filter(|before| before.text(self.source).eq_ignore_ascii_case("not")) {
            let message =
                format!("`{}` is not an operator of CEL: write `!(…)` around the condition", before.text(self.source));
            return self.error(at - 1, message);
        }
        let instead = match text.to_ascii_lowercase().as_str() {
            "and" => "`&&`",
            "or" => "`||`",
            "is" | "eq" => "`==`",
            "like" => "`.contains(\"…\")` or `.startsWith(\"…\")`",
            "not" => "`!(…)` around the whole condition",
            _ => {
                let shown = shortened(text, 40);
                return self.error(at, format!("an operator, such as `==` or `&&`, is missing before `{shown}`"));
            }
        };
        self.error(at, format!("`{text}` is not an operator of CEL: write {instead}"))
    }

    fn condition(&mut self, at: usize) -> Result<(), ExprError> {
        let inside = self.open.last().map_or(0, |opened| opened.conditions);
        if self.conditions.len() > inside {
            return Err(self.error(at, "put the inner `condition ? value : other` in brackets"));
        }
        self.conditions.push(at);
        self.expects_operand = true;
        Ok(())
    }

    fn comma(&mut self, at: usize) -> Result<(), ExprError> {
        self.no_open_condition()?;
        match self.open.last_mut() {
            Some(opened) if matches!(opened.bracket, Bracket::Call | Bracket::List) => opened.commas += 1,
            _ => return Err(self.error(at, "a comma separates arguments and the items of lists: write `&&` for and")),
        }
        self.expects_operand = true;
        Ok(())
    }

    fn close(&mut self, at: usize, token: &Lexeme) -> Result<(), ExprError> {
        let text = token.text(self.source);
        self.no_open_condition()?;
        let Some(opened) = self.open.pop() else {
            return Err(self.error(at, format!("`{text}` closes nothing: leave it out")));
        };
        let expected = if matches!(opened.bracket, Bracket::Group | Bracket::Call) { ")" } else { "]" };
        if text != expected {
            let first = self.tokens.get(opened.at).map_or("", |token| token.text(self.source));
            return Err(self.error(at, format!("`{first}` is closed by `{expected}`, not by `{text}`")));
        }
        if opened.bracket == Bracket::List && opened.commas >= MAX_CONSTANTS {
            let offset = self.tokens.get(opened.at).map_or(0, |token| token.start);
            return Err(super::limit_error_at(
                self.source,
                offset,
                LimitKind::Constants,
                opened.commas + 1,
                self.purpose,
            ));
        }
        for (one, other) in [(at, opened.at), (opened.at, at)] {
            if let Some(pair) = self.pairs.get_mut(one) {
                *pair = Some(other);
            }
        }
        self.expects_operand = false;
        Ok(())
    }

    /// Rejects a `?` without `:` in the innermost brackets.
    fn no_open_condition(&self) -> Result<(), ExprError> {
        let inside = self.open.last().map_or(0, |opened| opened.conditions);
        match self.conditions.get(inside) {
            Some(&at) => Err(self.error(at, "`?` has no `:` after it: write `condition ? value : other`")),
            None => Ok(()),
        }
    }

    fn end(&self) -> Result<(), ExprError> {
        let last = self.tokens.last().map_or("", |token| token.text(self.source));
        if self.expects_operand {
            return Err(ExprError::at(
                self.source,
                self.source.len(),
                format!("the expression ends after `{last}`: a value is missing"),
            ));
        }
        if last == "." {
            return Err(ExprError::at(self.source, self.source.len(), "the name of a field is missing after the dot"));
        }
        if let Some(opened) = self.open.last() {
            let text = self.tokens.get(opened.at).map_or("", |token| token.text(self.source));
            return Err(self.error(opened.at, format!("`{text}` is never closed")));
        }
        self.no_open_condition()
    }

    fn push(&mut self, bracket: Bracket, at: usize) {
        self.open.push(OpenBracket { bracket, at, commas: 0, conditions: self.conditions.len() });
        self.expects_operand = true;
    }

    /// Whether a bracket closes a call without arguments, or an empty list.
    fn is_empty_pair(&self, at: usize) -> bool {
        let opened = self.open.last();
        opened.is_some_and(|opened| {
            let may_end = match opened.bracket {
                Bracket::Call => opened.at + 1 == at,
                // A list can end with a comma, but not consist of one.
                Bracket::List => opened.at + 1 == at || opened.commas > 0 && self.text_at(at - 1) == ",",
                Bracket::Group | Bracket::Index => false,
            };
            may_end && self.text_at(at) == if opened.bracket == Bracket::Call { ")" } else { "]" }
        })
    }

    /// Whether the previous token is a `!`, or a `-` that is not a subtraction.
    fn is_sign(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return false };
        match self.text_at(before) {
            "!" => true,
            "-" => {
                let earlier = before.checked_sub(1).and_then(|earlier| self.tokens.get(earlier));
                !earlier.is_some_and(|earlier| earlier.is_operand() || earlier.token == Token::Close)
            }
            _ => false,
        }
    }

    fn text_at(&self, at: usize) -> &str {
        self.tokens.get(at).filter(|token| !token.is_operand()).map_or("", |token| token.text(self.source))
    }

    fn error(&self, at: usize, message: impl Into<String>) -> ExprError {
        let offset = self.tokens.get(at).map_or(self.source.len(), |token| token.start);
        ExprError::at(self.source, offset, message)
    }
}

fn text_is_quoted(token: &Lexeme, source: &str) -> bool {
    token.text(source).starts_with('`')
}
