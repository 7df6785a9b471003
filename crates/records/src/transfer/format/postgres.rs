//! Values that PostgreSQL's `COPY … CSV` and psql's `\copy` do not write like JSON: `t`, `{a,b}`, `\x6869`,
//! `2026-11-30 12:00:00.5+00`. None of them is valid JSON for its type, so cells are unambiguous.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use groundplan_model::shape::{Kind, Wrapped};
use std::borrow::Cow;

/// Converts a single value to its JSON form without quotes. Other texts are unchanged.
pub(super) fn scalar(kind: Kind, text: &str) -> Cow<'_, str> {
    let other = match kind {
        Kind::Bool | Kind::Wrapper(Wrapped::Bool) => match text {
            "t" => Some("true".to_owned()),
            "f" => Some("false".to_owned()),
            _ => None,
        },
        Kind::Bytes | Kind::Wrapper(Wrapped::Bytes) => bytes(text),
        Kind::Timestamp => timestamp(text),
        _ => None,
    };
    other.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Parses a one-dimensional array such as `{a,"b,c"}`; `None` if the text is not such an array, or contains a NULL.
pub(super) fn array(text: &str) -> Option<Vec<String>> {
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    if rest.is_empty() {
        return Some(elements);
    }
    loop {
        let (element, remainder) = match rest.strip_prefix('"') {
            Some(inside) => quoted(inside)?,
            None => plain(rest)?,
        };
        elements.push(element);
        if remainder.is_empty() {
            return Some(elements);
        }
        rest = remainder.strip_prefix(',')?;
    }
}

/// Parses an element after its opening quote. Returns it and the rest.
fn quoted(inside: &str) -> Option<(String, &str)> {
    let mut element = String::new();
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((element, &inside[at + 1..])),
            '\\' => element.push(characters.next()?.1),
            other => element.push(other),
        }
    }
    None
}

/// Parses an element without quotes. Returns it and the rest.
fn plain(rest: &str) -> Option<(String, &str)> {
    let (element, remainder) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
    let is_plain = !element.is_empty() && !element.contains(['{', '}', '"', '\\']);
    (is_plain && !element.eq_ignore_ascii_case("null")).then(|| (element.to_owned(), remainder))
}

/// Converts bytes such as `\x6869` to base64.
fn bytes(text: &str) -> Option<String> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let pairs = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2 && !pair.starts_with('+'))?;
        u8::from_str_radix(pair, 16).ok()
    });
    Some(STANDARD.encode(pairs.collect::<Option<Vec<u8>>>()?))
}

/// Converts a time such as `2026-11-30 12:00:00.5+00` to RFC 3339; `None` without an offset, because its zone is unknown.
fn timestamp(text: &str) -> Option<String> {
    let (date, time) = text.split_once(' ').filter(|(date, _)| date.len() == 10)?;
    let sign = time.rfind(['+', '-'])?;
    let (clock, offset) = time.split_at(sign);
    let offset = match offset.len() {
        3 => format!("{offset}:00"),
        _ => offset.to_owned(),
    };
    Some(format!("{date}T{clock}{offset}"))
}

#[cfg(test)]
mod tests {
    use super::{array, scalar};
    use groundplan_model::shape::Kind;

    #[test]
    fn postgresql_values_are_converted_to_json() {
        for (kind, text, expected) in [
            (Kind::Bool, "t", "true"),
            (Kind::Bool, "f", "false"),
            (Kind::Bool, "true", "true"),
            (Kind::Bytes, "\\x6869", "aGk="),
            (Kind::Bytes, "\\x", ""),
            (Kind::Bytes, "\\x6", "\\x6"),
            (Kind::Bytes, "\\x+1", "\\x+1"),
            (Kind::Timestamp, "2026-11-30 12:00:00.5+00", "2026-11-30T12:00:00.5+00:00"),
            (Kind::Timestamp, "2026-11-30 12:00:00-03:30", "2026-11-30T12:00:00-03:30"),
            (Kind::Timestamp, "2026-11-30 12:00:00", "2026-11-30 12:00:00"),
            (Kind::String, "t", "t"),
        ] {
            assert_eq!(scalar(kind, text), expected, "{text}");
        }
    }

    #[test]
    fn arrays_are_parsed() {
        let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(array("{}"), texts(&[]));
        assert_eq!(array("{a,b c}"), texts(&["a", "b c"]));
        assert_eq!(array(r#"{"a,b","q\"\\",""}"#), texts(&["a,b", "q\"\\", ""]));
        assert_eq!(array(r#"{"NULL"}"#), texts(&["NULL"]));
        for invalid in ["{NULL}", "{a,}", "{{1},{2}}", "{a", "a", r#"{"a}"#, r#"{"a"b}"#, "{,}"] {
            assert_eq!(array(invalid), None, "{invalid}");
        }
    }
}
