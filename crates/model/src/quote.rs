//! Quotes text for SQL.

/// Quotes a PostgreSQL identifier: `a"b` gives `"a""b"`.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('\0', "").replace('"', "\"\""))
}

/// Quotes a string literal: `it's` gives `'it''s'`. NUL is removed because PostgreSQL does not support it. A backslash
/// is literal, since `standard_conforming_strings` is on.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled_and_nul_is_removed() {
        assert_eq!(quote("a\"b\0c"), "\"a\"\"bc\"");
        assert_eq!(quote("select"), "\"select\"");
        assert_eq!(quote_literal("it's \\ \"x\"\0; --"), "'it''s \\ \"x\"; --'");
    }
}
