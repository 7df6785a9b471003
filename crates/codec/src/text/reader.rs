//! A pull parser for JSON (RFC 8259): it keeps the text of numbers, borrows strings, and never recurses.

use super::number_grammar::number_length;
use crate::{DecodeError, shorten_name};
use std::borrow::Cow;

/// The kind of the next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

impl TokenKind {
    /// Returns the name for errors.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::Null => "null",
        }
    }
}

/// A JSON text and a position in it.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8]) -> Result<Self, DecodeError> {
        let text = std::str::from_utf8(text)
            .map_err(|error| DecodeError::new("utf8", format!("is not valid UTF-8 at byte {}", error.valid_up_to())))?;
        Ok(Self { text, at: 0 })
    }

    /// Returns the kind of the next value without consuming it.
    pub(super) fn peek(&mut self) -> Result<TokenKind, DecodeError> {
        match self.skip_whitespace() {
            Some(b'{') => Ok(TokenKind::Object),
            Some(b'[') => Ok(TokenKind::Array),
            Some(b'"') => Ok(TokenKind::String),
            Some(b'-' | b'0'..=b'9') => Ok(TokenKind::Number),
            Some(b't' | b'f') => Ok(TokenKind::Bool),
            Some(b'n') => Ok(TokenKind::Null),
            _ => Err(self.syntax_error("a value")),
        }
    }

    pub(super) fn null(&mut self) -> Result<(), DecodeError> {
        self.skip_whitespace();
        if self.take("null") { Ok(()) } else { Err(self.syntax_error("null")) }
    }

    pub(super) fn bool(&mut self) -> Result<bool, DecodeError> {
        self.skip_whitespace();
        if self.take("true") {
            Ok(true)
        } else if self.take("false") {
            Ok(false)
        } else {
            Err(self.syntax_error("true or false"))
        }
    }

    /// Reads the text of a number, validated by JSON's grammar.
    pub(super) fn number(&mut self) -> Result<&'a str, DecodeError> {
        self.skip_whitespace();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = number_length(rest).ok_or_else(|| self.number_syntax_error(rest))?;
        self.at += length;
        Ok(rest.get(..length).unwrap_or_default())
    }

    /// Reads a string without its quotes; borrowed if it has no escapes.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        if self.skip_whitespace() != Some(b'"') {
            return Err(self.syntax_error("a string"));
        }
        self.at += 1;
        let plain = self.unescaped_part()?;
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut unescaped = plain.to_owned();
        while self.byte() == Some(b'\\') {
            self.at += 1;
            unescaped.push(self.escape()?);
            unescaped.push_str(self.unescaped_part()?);
        }
        self.at += 1;
        Ok(Cow::Owned(unescaped))
    }

    /// Enters an object or array by consuming `open`.
    pub(super) fn open(&mut self, open: u8) -> Result<(), DecodeError> {
        if self.skip_whitespace() != Some(open) {
            return Err(self.syntax_error(if open == b'{' { "an object" } else { "an array" }));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads the next key and its colon; `None` is the end of the object.
    pub(super) fn next_key(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>, DecodeError> {
        if !self.next_item(first, b'}')? {
            return Ok(None);
        }
        let key = self.string()?;
        if self.skip_whitespace() != Some(b':') {
            return Err(self.syntax_error("a colon"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Moves to the next element; `false` is the end of the array.
    pub(super) fn next_element(&mut self, first: &mut bool) -> Result<bool, DecodeError> {
        self.next_item(first, b']')
    }

    /// Checks that nothing follows.
    pub(super) fn end(&mut self) -> Result<(), DecodeError> {
        if self.skip_whitespace().is_some() { Err(self.syntax_error("the end of the text")) } else { Ok(()) }
    }

    /// Reads the text of a value of any depth.
    pub(super) fn raw(&mut self) -> Result<&'a str, DecodeError> {
        self.skip_whitespace();
        let start = self.at;
        self.skip()?;
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Skips a value of any depth.
    fn skip(&mut self) -> Result<(), DecodeError> {
        let mut depth = 0_usize;
        loop {
            match self.skip_whitespace() {
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') => {
                    depth = depth.checked_sub(1).ok_or_else(|| self.syntax_error("a value"))?;
                    self.at += 1;
                }
                Some(b',' | b':') if depth > 0 => self.at += 1,
                Some(b'"') => drop(self.string()?),
                Some(b't' | b'f') => drop(self.bool()?),
                Some(b'n') => self.null()?,
                _ => drop(self.number()?),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Returns an error about the character at the current position.
    #[cold]
    fn syntax_error(&self, expected: &str) -> DecodeError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        let actual = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(letter) => format!("not {letter:?}"),
            None => "but the text ends".to_owned(),
        };
        let message = format!("is not valid JSON at line {line}, column {column}: expected {expected}, {actual}");
        DecodeError::new("json_syntax", message)
    }

    /// Returns an error about a number, with its text, because its first character is valid.
    #[cold]
    fn number_syntax_error(&self, rest: &str) -> DecodeError {
        let length = rest.find(|letter: char| !matches!(letter, '0'..='9' | '+' | '-' | '.' | 'e' | 'E' | '_' | 'x'));
        let text = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
        let expected =
            "a number without leading zeros, with digits on both sides of the decimal point and in the exponent";
        let mut error = self.syntax_error(expected);
        if let Some(end) = error.message.rfind(", not ") {
            error.message.truncate(end);
        }
        error.message.push_str(&format!(", not {}", shorten_name(text)));
        error
    }

    fn next_item(&mut self, first: &mut bool, close: u8) -> Result<bool, DecodeError> {
        let byte = self.skip_whitespace();
        if byte == Some(close) && *first {
            self.at += 1;
            return Ok(false);
        }
        if std::mem::take(first) {
            return Ok(true);
        }
        match byte {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.syntax_error(if close == b'}' { "',' or '}'" } else { "',' or ']'" })),
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space and returns the next byte without consuming it.
    fn skip_whitespace(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()));
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    /// Reads the part of a string up to the next quote or backslash.
    fn unescaped_part(&mut self) -> Result<&'a str, DecodeError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len());
        self.at += length;
        match self.byte() {
            Some(b'"' | b'\\') => Ok(rest.get(..length).unwrap_or_default()),
            Some(_) => Err(self.syntax_error("an escaped control character")),
            None => Err(self.syntax_error("the end of a string")),
        }
    }

    /// Reads the character after a backslash.
    fn escape(&mut self) -> Result<char, DecodeError> {
        let letter = match self.byte() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.syntax_error("an escape of JSON")),
        };
        self.at += 1;
        Ok(letter)
    }

    /// Reads the character of `\u0041`, or of a surrogate pair.
    fn unicode(&mut self) -> Result<char, DecodeError> {
        let first = self.hexadecimal()?;
        let mut code = first;
        if (0xD800..0xDC00).contains(&first) && self.take("\\u") {
            let second = self.hexadecimal()?;
            if (0xDC00..0xE000).contains(&second) {
                code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            }
        }
        char::from_u32(code)
            .ok_or_else(|| DecodeError::new("utf8", "has an unpaired surrogate, which is not a character"))
    }

    fn hexadecimal(&mut self) -> Result<u32, DecodeError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.syntax_error("four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }
}
