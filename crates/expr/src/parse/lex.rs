//! Reads the tokens of an expression with their positions.

use super::literal;
use super::syntax::{Literal, Span};
use crate::ExprError;
use crate::limits::shortened;
use crate::tokens::{self, Token};

/// A token that is not white space.
#[derive(Debug)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The value, if it is a literal.
    pub(super) literal: Option<Literal>,
}

impl Lexeme {
    pub(super) fn text<'a>(&self, source: &'a str) -> &'a str {
        source.get(self.start..self.end).unwrap_or_default()
    }

    pub(super) fn span(&self) -> Span {
        Span { start: self.start, end: self.end }
    }

    /// Whether it is an operand.
    pub(super) fn is_operand(&self) -> bool {
        matches!(self.token, Token::Name | Token::Number | Token::Text)
    }

    /// Whether it is a name and not a literal.
    pub(super) fn is_name(&self) -> bool {
        self.token == Token::Name && self.literal.is_none()
    }
}

/// Reads the tokens of an expression and its literals.
pub(super) fn tokens(source: &str) -> Result<Vec<Lexeme>, ExprError> {
    let mut lexemes = Vec::new();
    let mut rest = source;
    while !rest.is_empty() {
        let start = source.len() - rest.len();
        let Some((token, after)) = tokens::next(rest) else { return Err(token_error(source, start)) };
        let end = source.len() - after.len();
        rest = after;
        if token == Token::Space {
            continue;
        }
        let mut lexeme = Lexeme { token, start, end, literal: None };
        let text = lexeme.text(source);
        if matches!(text, "{" | "}") {
            return Err(ExprError::at(
                source,
                start,
                "map and message literals are not supported: leave the braces out",
            ));
        }
        let read = literal::read(token, text);
        lexeme.literal = read.map_err(|error| ExprError::at(source, start + error.offset, error.message))?;
        lexemes.push(lexeme);
    }
    Ok(lexemes)
}

/// Returns why there is no token at a byte.
pub(super) fn token_error(source: &str, offset: usize) -> ExprError {
    let rest = source.get(offset..).unwrap_or_default();
    let prefix: usize = rest.bytes().take_while(|byte| b"bBrR".contains(byte)).count();
    let message = match rest.chars().next() {
        _ if rest.get(prefix..).is_some_and(|rest| rest.starts_with(['"', '\''])) => string_error(rest),
        Some('=') => "`=` alone is not an operator: write `==` to compare".to_owned(),
        Some('&') => "`&` alone is not an operator: write `&&` for and".to_owned(),
        Some('|') => "`|` alone is not an operator: write `||` for or".to_owned(),
        Some('`') => "the name in backquotes is not closed, or has characters that names cannot have".to_owned(),
        Some('“' | '”' | '‘' | '’' | '„') => {
            "curly quotes do not delimit a string: write `\"` or `'`".to_owned()
        }
        Some(other) => format!("`{}` is not valid in CEL: put text in quotes", other.escape_debug()),
        None => "the expression ends too early".to_owned(),
    };
    ExprError::at(source, offset, message)
}

/// Returns why a text that starts with a quote is not a string.
fn string_error(rest: &str) -> String {
    let start = shortened(rest.lines().next().unwrap_or_default(), 20);
    match literal::unknown_escape(rest) {
        Some(escape) => {
            format!("`{escape}` is not a valid escape: write `\\\\` for a backslash, or r\"…\" for a raw string")
        }
        None => {
            format!("the string that starts with `{start}` is not closed: close it with its quote on the same line")
        }
    }
}
