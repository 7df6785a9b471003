//! Parses literals as specified for CEL.

use super::syntax::Literal;
use crate::tokens::Token;

/// Why a token is not a literal, and where in it.
#[derive(Debug)]
pub(super) struct LiteralError {
    pub(super) offset: usize,
    pub(super) message: String,
}

impl LiteralError {
    fn new(message: impl Into<String>) -> Self {
        Self { offset: 0, message: message.into() }
    }
}

/// Parses the literal of a token, if it is one.
pub(super) fn read(token: Token, text: &str) -> Result<Option<Literal>, LiteralError> {
    Ok(match (token, text) {
        (Token::Name, "true") => Some(Literal::Bool(true)),
        (Token::Name, "false") => Some(Literal::Bool(false)),
        (Token::Name, "null") => Some(Literal::Null),
        (Token::Number, _) => Some(number(text)?),
        (Token::Text, _) => Some(string_or_bytes(text)?),
        _ => None,
    })
}

fn number(text: &str) -> Result<Literal, LiteralError> {
    let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |digits| (digits, 16));
    if let Some(digits) = digits.strip_suffix(['u', 'U']) {
        let value = u64::from_str_radix(digits, radix);
        return value.map(Literal::Uint).map_err(|_| {
            LiteralError::new(format!("`{text}` is larger than any uint, which are at most {}", u64::MAX))
        });
    }
    if radix == 10 && digits.contains(['.', 'e', 'E']) {
        return match digits.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Literal::Double(value)),
            _ => Err(LiteralError::new(format!("`{text}` is larger than any double"))),
        };
    }
    match u64::from_str_radix(digits, radix) {
        Ok(value) if value <= i64::MIN.unsigned_abs() => Ok(Literal::Int(value)),
        Ok(_) => Err(LiteralError::new(format!("`{text}` is larger than any int: write `{text}u`, a uint"))),
        Err(_) => Err(LiteralError::new(format!("`{text}` is larger than any int, which are at most {}", i64::MAX))),
    }
}

/// Parses a string or bytes with matching quotes.
fn string_or_bytes(text: &str) -> Result<Literal, LiteralError> {
    let prefix = text.bytes().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (prefix, rest) = text.split_at_checked(prefix).unwrap_or_default();
    let is_bytes = prefix.contains(['b', 'B']);
    let quotes = if rest.len() >= 6 && (rest.starts_with("\"\"\"") || rest.starts_with("'''")) { 3 } else { 1 };
    let inside = rest.get(quotes..rest.len().saturating_sub(quotes)).unwrap_or_default();
    let from = prefix.len() + quotes;
    let bytes = if prefix.contains(['r', 'R']) {
        inside.as_bytes().to_vec()
    } else {
        unescape(inside, is_bytes)
            .map_err(|LiteralError { offset, message }| LiteralError { offset: from + offset, message })?
    };
    if is_bytes {
        return Ok(Literal::Bytes(bytes));
    }
    let string = String::from_utf8(bytes).map_err(|_| LiteralError::new("the string is not Unicode"))?;
    if string.contains('\0') {
        return Err(LiteralError::new("strings cannot contain the character U+0000: compare bytes with b\"…\""));
    }
    Ok(Literal::String(string))
}

/// Resolves escapes. Numeric escapes are bytes in bytes literals, and characters in strings.
fn unescape(text: &str, is_bytes: bool) -> Result<Vec<u8>, LiteralError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at_checked(at).unwrap_or_default();
        out.extend_from_slice(before.as_bytes());
        let length = unescape_one(escape, is_bytes, &mut out)
            .map_err(|message| LiteralError { offset: text.len() - escape.len(), message })?;
        rest = escape.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// Resolves the escape at the start of a text, and returns its length.
fn unescape_one(escape: &str, is_bytes: bool, out: &mut Vec<u8>) -> Result<usize, String> {
    let simple = match escape.as_bytes().get(1) {
        Some(b'a') => 0x07,
        Some(b'b') => 0x08,
        Some(b'f') => 0x0C,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'v') => 0x0B,
        Some(byte @ (b'"' | b'\'' | b'\\' | b'?' | b'`')) => *byte,
        _ => return unescape_number(escape, is_bytes, out),
    };
    out.push(simple);
    Ok(2)
}

/// Resolves `\x41`, `\101`, `\u0041` or `\U00000041`.
fn unescape_number(escape: &str, is_bytes: bool, out: &mut Vec<u8>) -> Result<usize, String> {
    let (from, length, radix) = match escape.as_bytes().get(1) {
        Some(b'x' | b'X') => (2, 4, 16),
        Some(b'u') => (2, 6, 16),
        Some(b'U') => (2, 10, 16),
        _ => (1, 4, 8),
    };
    let written = escape.get(..length).unwrap_or(escape);
    let value = escape.get(from..length).and_then(|digits| u32::from_str_radix(digits, radix).ok());
    let Some(value) = value else { return Err(format!("`{written}` is not a valid escape")) };
    if !is_bytes {
        let character = char::from_u32(value).ok_or_else(|| format!("`{written}` is not a Unicode character"))?;
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        return Ok(length);
    }
    match u8::try_from(value) {
        Ok(byte) if length == 4 => out.push(byte),
        _ => {
            return Err(format!(
                "`{written}` is a character, which bytes cannot contain: write the bytes, such as `\\xC3`"
            ));
        }
    }
    Ok(length)
}

/// Returns the first invalid escape in a text that starts with a quote.
pub(super) fn unknown_escape(text: &str) -> Option<String> {
    let line = text.lines().next()?;
    if text.starts_with(['r', 'R']) || text.get(1..2).is_some_and(|second| matches!(second, "r" | "R")) {
        return None;
    }
    let mut rest = line;
    loop {
        rest = rest.get(rest.find('\\')?..)?;
        let known = unescape_one(rest, false, &mut Vec::new()).is_ok_and(|length| length <= rest.len());
        if !known {
            return Some(rest.chars().take(2).collect()).filter(|escape: &String| escape.len() > 1);
        }
        rest = rest.get(2..)?;
    }
}
