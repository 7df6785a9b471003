//! The tokens of a CEL expression, exactly as in the parser's grammar.
//!
//! The limits count brackets outside strings, so strings must be recognized exactly like in the parser. Where no token starts,
//! the parser skips some characters; [`next`] fails instead of guessing which.

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// White space and comments.
    Space,
    /// `(`, `[` or `{`
    Open,
    /// `)`, `]` or `}`
    Close,
    /// An operator, including `in` and `.`.
    Operator,
    /// `?`
    Condition,
    /// `:`
    Colon,
    Comma,
    /// A name, including `true`, `false`, `null` and names in backquotes.
    Name,
    Number,
    /// A string or bytes, with prefix and quotes.
    Text,
}

/// Splits the first token from a text that is not empty; `None` if no token starts there.
pub fn next(text: &str) -> Option<(Token, &str)> {
    let bytes = text.as_bytes();
    let (token, length) = match bytes.first()? {
        b'\t' | b' ' | b'\r' | b'\n' | 0x0C => (Token::Space, 1),
        b',' => (Token::Comma, 1),
        b':' => (Token::Colon, 1),
        b'/' if bytes.get(1) == Some(&b'/') => (Token::Space, text.find('\n').unwrap_or(text.len())),
        b'(' | b'[' | b'{' => (Token::Open, 1),
        b')' | b']' | b'}' => (Token::Close, 1),
        b'?' => (Token::Condition, 1),
        b'=' | b'&' | b'|' => (Token::Operator, double(bytes)?),
        b'!' | b'<' | b'>' => (Token::Operator, if bytes.get(1) == Some(&b'=') { 2 } else { 1 }),
        b'.' if count(bytes, 1, u8::is_ascii_digit) > 0 => (Token::Number, number(bytes)),
        b'+' | b'-' | b'*' | b'/' | b'%' | b'.' => (Token::Operator, 1),
        b'0'..=b'9' => (Token::Number, number(bytes)),
        b'"' | b'\'' => (Token::Text, string(bytes, 0)?),
        b'`' => (Token::Name, quoted_name(bytes)?),
        first if first.is_ascii_alphabetic() || *first == b'_' => word(bytes),
        _ => return None,
    };
    Some((token, text.get(length..)?))
}

/// Returns the length of `==`, `&&` or `||`; a single one of these characters is not a token.
fn double(bytes: &[u8]) -> Option<usize> {
    (bytes.first() == bytes.get(1)).then_some(2)
}

/// Reads a name, `in`, or a string with a prefix. A prefix without a complete string is a name.
fn word(bytes: &[u8]) -> (Token, usize) {
    let prefix = match bytes {
        [b'b' | b'B', b'r' | b'R', b'"' | b'\'', ..] => 2,
        [b'b' | b'B' | b'r' | b'R', b'"' | b'\'', ..] => 1,
        _ => 0,
    };
    if prefix > 0
        && let Some(length) = string(bytes, prefix)
    {
        return (Token::Text, length);
    }
    let length = count(bytes, 0, |byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let token = if bytes.get(..length) == Some(b"in") { Token::Operator } else { Token::Name };
    (token, length)
}

/// Returns the length of a string whose first quote follows a prefix.
fn string(bytes: &[u8], prefix: usize) -> Option<usize> {
    let is_raw = matches!(bytes.get(..prefix)?.last(), Some(b'r' | b'R'));
    let quote = *bytes.get(prefix)?;
    let rest = bytes.get(prefix..)?;
    // Three quotes without an end are an empty string and the start of another one.
    let length = if rest.starts_with(&[quote; 3]) { string_length(rest, quote, 3, is_raw) } else { None };
    Some(prefix + length.or_else(|| string_length(rest, quote, 1, is_raw))?)
}

/// Returns the length of a string between one or three quotes.
fn string_length(bytes: &[u8], quote: u8, quotes: usize, is_raw: bool) -> Option<usize> {
    let mut at = quotes;
    loop {
        match *bytes.get(at)? {
            byte if byte == quote && count(bytes, at, |byte| *byte == quote) >= quotes => return Some(at + quotes),
            b'\\' if !is_raw => at += escape(bytes.get(at..)?)?,
            b'\n' | b'\r' if quotes == 1 => return None,
            _ => at += 1,
        }
    }
}

/// Returns the length of an escape.
fn escape(bytes: &[u8]) -> Option<usize> {
    let hexadecimal = |digits: usize| {
        let length = count(bytes, 2, u8::is_ascii_hexdigit);
        (length >= digits).then_some(2 + digits)
    };
    match bytes.get(1)? {
        b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'"' | b'\'' | b'\\' | b'?' | b'`' => Some(2),
        b'0'..=b'3' => (count(bytes, 2, |byte| matches!(byte, b'0'..=b'7')) >= 2).then_some(4),
        b'x' | b'X' => hexadecimal(2),
        b'u' => hexadecimal(4),
        b'U' => hexadecimal(8),
        _ => None,
    }
}

/// Returns the length of a number, which starts with a digit, or with a point and a digit.
fn number(bytes: &[u8]) -> usize {
    let suffix = |length: usize| length + usize::from(matches!(bytes.get(length), Some(b'u' | b'U')));
    if bytes.starts_with(b"0x") {
        let digits = count(bytes, 2, u8::is_ascii_hexdigit);
        return if digits > 0 { suffix(2 + digits) } else { 1 };
    }
    let whole = count(bytes, 0, u8::is_ascii_digit);
    let fraction = match bytes.get(whole) {
        Some(b'.') => count(bytes, whole + 1, u8::is_ascii_digit),
        _ => 0,
    };
    let length = if fraction > 0 { whole + 1 + fraction } else { whole };
    if let Some(b'e' | b'E') = bytes.get(length) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = count(bytes, length + 1 + sign, u8::is_ascii_digit);
        if exponent > 0 {
            return length + 1 + sign + exponent;
        }
    }
    if fraction > 0 { length } else { suffix(length) }
}

/// Returns the length of a name in backquotes.
fn quoted_name(bytes: &[u8]) -> Option<usize> {
    let inside = count(bytes, 1, |byte| byte.is_ascii_alphanumeric() || b"_.-/ ".contains(byte));
    (inside > 0 && bytes.get(1 + inside) == Some(&b'`')).then_some(inside + 2)
}

/// Counts the consecutive bytes of a class from an offset.
fn count(bytes: &[u8], from: usize, is: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().skip(from).take_while(|byte| is(byte)).count()
}
