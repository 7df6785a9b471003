//! A pull parser for JSON (RFC 8259): it keeps the text of numbers, borrows strings, and never recurses.

use crate::{DecodeError, shown};
use std::borrow::Cow;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

impl Next {
    /// As a message says it.
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

/// A JSON text and the place in it.
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

    /// Looks at the next value without taking it.
    pub(super) fn peek(&mut self) -> Result<Next, DecodeError> {
        match self.token() {
            Some(b'{') => Ok(Next::Object),
            Some(b'[') => Ok(Next::Array),
            Some(b'"') => Ok(Next::String),
            Some(b'-' | b'0'..=b'9') => Ok(Next::Number),
            Some(b't' | b'f') => Ok(Next::Bool),
            Some(b'n') => Ok(Next::Null),
            _ => Err(self.wrong("a value")),
        }
    }

    pub(super) fn null(&mut self) -> Result<(), DecodeError> {
        self.token();
        if self.take("null") { Ok(()) } else { Err(self.wrong("null")) }
    }

    pub(super) fn bool(&mut self) -> Result<bool, DecodeError> {
        self.token();
        if self.take("true") {
            Ok(true)
        } else if self.take("false") {
            Ok(false)
        } else {
            Err(self.wrong("true or false"))
        }
    }

    /// The text of a number, which is one by JSON's grammar.
    pub(super) fn number(&mut self) -> Result<&'a str, DecodeError> {
        self.token();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = number_length(rest).ok_or_else(|| self.wrong_number(rest))?;
        self.at += length;
        Ok(rest.get(..length).unwrap_or_default())
    }

    /// A string without its quotes; borrowed if nothing in it is escaped.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        if self.token() != Some(b'"') {
            return Err(self.wrong("a string"));
        }
        self.at += 1;
        let plain = self.plain()?;
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut unescaped = plain.to_owned();
        while self.byte() == Some(b'\\') {
            self.at += 1;
            unescaped.push(self.escape()?);
            unescaped.push_str(self.plain()?);
        }
        self.at += 1;
        Ok(Cow::Owned(unescaped))
    }

    /// Enters an object or array: `open` is taken.
    pub(super) fn open(&mut self, open: u8) -> Result<(), DecodeError> {
        if self.token() != Some(open) {
            return Err(self.wrong(if open == b'{' { "an object" } else { "an array" }));
        }
        self.at += 1;
        Ok(())
    }

    /// Goes to the next key, and past its colon; `None` is the end of the object.
    pub(super) fn next_key(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>, DecodeError> {
        if !self.next_item(first, b'}')? {
            return Ok(None);
        }
        let key = self.string()?;
        if self.token() != Some(b':') {
            return Err(self.wrong("a colon"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Goes to the next element; `false` is the end of the array.
    pub(super) fn next_element(&mut self, first: &mut bool) -> Result<bool, DecodeError> {
        self.next_item(first, b']')
    }

    /// Makes sure that nothing follows.
    pub(super) fn end(&mut self) -> Result<(), DecodeError> {
        if self.token().is_some() { Err(self.wrong("the end of the text")) } else { Ok(()) }
    }

    /// The text of a value of any depth.
    pub(super) fn raw(&mut self) -> Result<&'a str, DecodeError> {
        self.token();
        let start = self.at;
        self.skip()?;
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Passes over a value of any depth.
    fn skip(&mut self) -> Result<(), DecodeError> {
        let mut depth = 0_usize;
        loop {
            match self.token() {
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') => {
                    depth = depth.checked_sub(1).ok_or_else(|| self.wrong("a value"))?;
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

    /// The refusal of what stands here.
    #[cold]
    fn wrong(&self, expected: &str) -> DecodeError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(letter) => format!("not {letter:?}"),
            None => "but the text ends".to_owned(),
        };
        let message = format!("is not valid JSON at line {line}, column {column}: expected {expected}, {found}");
        DecodeError::new("json_syntax", message)
    }

    /// The refusal of a number: its text is shown, since its first character is right.
    #[cold]
    fn wrong_number(&self, rest: &str) -> DecodeError {
        let length = rest.find(|letter: char| !matches!(letter, '0'..='9' | '+' | '-' | '.' | 'e' | 'E' | '_' | 'x'));
        let text = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
        let words = "a number without zeros in front, with digits on both sides of its point and in its exponent";
        let mut error = self.wrong(words);
        if let Some(end) = error.message.rfind(", not ") {
            error.message.truncate(end);
        }
        error.message.push_str(&format!(", not {}", shown(text)));
        error
    }

    fn next_item(&mut self, first: &mut bool, close: u8) -> Result<bool, DecodeError> {
        let byte = self.token();
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
            _ => Err(self.wrong(if close == b'}' { "',' or '}'" } else { "',' or ']'" })),
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space.
    fn token(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()));
        if found {
            self.at += word.len();
        }
        found
    }

    /// The part of a string up to the next quote or backslash.
    fn plain(&mut self) -> Result<&'a str, DecodeError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len());
        self.at += length;
        match self.byte() {
            Some(b'"' | b'\\') => Ok(rest.get(..length).unwrap_or_default()),
            Some(_) => Err(self.wrong("no control character; escape it")),
            None => Err(self.wrong("the end of a string")),
        }
    }

    /// The character behind a backslash.
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
            _ => return Err(self.wrong("an escape that JSON has")),
        };
        self.at += 1;
        Ok(letter)
    }

    /// The character of `\u0041`, or of two of them that are a surrogate pair.
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
            .ok_or_else(|| DecodeError::new("utf8", "has half of a surrogate pair, which is no character"))
    }

    fn hexadecimal(&mut self) -> Result<u32, DecodeError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.wrong("four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }
}

/// The length of the number that a text starts with, by JSON's grammar.
fn number_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(byte(0) == Some(b'-'));
    let integral = digits(at);
    if integral == 0 || (integral > 1 && byte(at) == Some(b'0')) {
        return None;
    }
    at += integral;
    if byte(at) == Some(b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if let Some(b'e' | b'E') = byte(at) {
        let sign = usize::from(matches!(byte(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(at)
}

/// Whether a text is a number, by JSON's grammar.
pub(super) fn is_number(text: &str) -> bool {
    number_length(text) == Some(text.len())
}
