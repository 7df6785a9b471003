//! Text that becomes part of SQL.

/// Quotes a PostgreSQL identifier: `a"b` gives `"a""b"`.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('\0', "").replace('"', "\"\""))
}

/// Quotes a string literal: `it's` gives `'it''s'`. PostgreSQL has no NUL in text, so those are left out.
/// A backslash stands for itself, since `standard_conforming_strings` is on.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled_and_nul_is_left_out() {
        assert_eq!(quote("a\"b\0c"), "\"a\"\"bc\"");
        assert_eq!(quote("select"), "\"select\"");
        assert_eq!(quote_literal("it's \\ \"x\"\0; --"), "'it''s \\ \"x\"; --'");
    }
}
