//! Scans the text of a `.proto` file before it is parsed: which syntax it declares, and how deep its brackets nest.
//!
//! The parser does not know editions and would report only an unexpected token. It parses option values recursively.

/// The maximum nesting of brackets in a file. The parser itself rejects messages nested deeper than 31.
pub(crate) const MAX_NESTING: usize = 64;

/// The result of a scan.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    pub(crate) syntax: Syntax,
    /// The byte offset of the syntax declaration.
    pub(crate) syntax_at: usize,
    /// The byte offset at which the nesting first exceeds [`MAX_NESTING`].
    pub(crate) too_deep_at: Option<usize>,
}

/// The language version of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Syntax {
    Proto3,
    /// Declared, or the default of a file without a declaration.
    #[default]
    Proto2,
    /// `edition = "…"`.
    Edition(String),
}

/// A token: its byte offset and its text. Strings include their quotes.
pub(crate) type Token<'a> = (usize, &'a str);

/// Scans a file.
pub(crate) fn scan(text: &str) -> Scan {
    let mut scan = Scan::default();
    let mut statement: Vec<Token<'_>> = Vec::new();
    let mut declared = false;
    let mut depth = 0_usize;
    for (at, token) in tokens(text) {
        match token {
            "{" | "[" | "<" | "(" => {
                depth += 1;
                if depth > MAX_NESTING && scan.too_deep_at.is_none() {
                    scan.too_deep_at = Some(at);
                }
            }
            "}" | "]" | ">" | ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if declared || statement.len() >= 3 {
            continue;
        }
        statement.push((at, token));
        if let [(start, keyword), (_, "="), (_, value)] = statement[..] {
            declared = true;
            let value = value.trim_matches(['"', '\'']);
            match keyword {
                "syntax" if value == "proto3" => scan.syntax = Syntax::Proto3,
                "edition" => scan.syntax = Syntax::Edition(value.to_owned()),
                _ => {}
            }
            if matches!(keyword, "syntax" | "edition") {
                scan.syntax_at = start;
            }
        }
    }
    scan
}

/// Returns the byte offset of the `nth` (from 0) `key` directly inside the first braces of a text, such as an option's
/// value.
pub(crate) fn nth_key(text: &str, key: &str, nth: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut seen = 0;
    for (at, token) in tokens(text) {
        match token {
            "{" | "[" => depth += 1,
            "}" | "]" => depth = depth.saturating_sub(1),
            _ if depth == 1 && token == key => {
                if seen == nth {
                    return Some(at);
                }
                seen += 1;
            }
            _ => {}
        }
    }
    None
}

/// Returns the tokens of a text, without comments and white space. Every other byte is a token of its own.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let first = rest.chars().next()?;
            let length = if first.is_whitespace() {
                at += first.len_utf8();
                continue;
            } else if rest.starts_with("//") || rest.starts_with('#') {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            } else if rest.starts_with("/*") {
                at += rest.find("*/").map_or(rest.len(), |end| end + 2);
                continue;
            } else if first == '"' || first == '\'' {
                string_length(rest, first)
            } else if first.is_ascii_alphanumeric() || first == '_' {
                rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
                    .unwrap_or(rest.len())
            } else {
                first.len_utf8()
            };
            let token = (at, rest.get(..length)?);
            at += length;
            return Some(token);
        }
    })
}

/// Returns the length of a string with its quotes; an unterminated one ends with its line.
fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '\n' => return at,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_syntax_is_found_after_comments() {
        assert_eq!(scan("/* syntax = \"proto2\" */ // no\n syntax = 'proto3';").syntax, Syntax::Proto3);
        let edition = scan("\nedition = \"2023\";");
        assert_eq!((edition.syntax, edition.syntax_at), (Syntax::Edition("2023".to_owned()), 1));
        assert_eq!(scan("package a;").syntax, Syntax::Proto2);
        assert_eq!(scan("").syntax, Syntax::Proto2);
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_nest() {
        let text = format!("// {0}\n/* {0} */ \"{0}\" '\\'{0}'", "{".repeat(200));
        assert_eq!(scan(&text).too_deep_at, None);
        assert_eq!(scan(&"{".repeat(MAX_NESTING)).too_deep_at, None);
        assert_eq!(scan(&"{".repeat(MAX_NESTING + 1)).too_deep_at, Some(MAX_NESTING));
    }

    #[test]
    fn keys_are_counted_in_the_outermost_braces() {
        let text = "{ indexes: { fields: 'indexes' } indexes { indexes: 1 } }";
        assert_eq!(nth_key(text, "indexes", 1), Some(33));
        assert_eq!(nth_key(text, "indexes", 2), None);
    }
}
