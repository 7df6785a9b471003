//! Tests that rewritten patterns mean the same as the original.

use super::compile;
use regex::Regex;

#[test]
fn patterns_are_rewritten() {
    for (source, expected) in [
        ("abc", "abc"),
        ("^a.c$", r"^a[^\u000A]c$"),
        ("(?s)a.c", r"a[\u0001-\U0010FFFF]c"),
        (r"\d+\.\d{2}", r"[0-9]+\.[0-9]{2}"),
        (r"\w\s\D", r"[0-9A-Z_a-z][\u0009-\u000A\u000C-\u000D ][^0-9]"),
        (r"[^\d\S]", r"[\u0009-\u000A\u000C-\u000D ]"),
        ("(a|bc)*?x{2,}y{3,5}z?", "(?:a|bc)*x{2,}y{3,5}z?"),
        ("a|b", "[a-b]"),
        ("ab|cd|", "ab|cd|(?:)"),
        ("x(?:ab|cd)y", "x(?:ab|cd)y"),
        ("(?i)ok", r"[Oo][Kk\u212A]"),
        ("(?i:a)b", "[Aa]b"),
        (r"[\-\]\^\\]", r"[\-\\-\^]"),
        ("é+", r"\u00E9+"),
        ("😀", r"\U0001F600"),
        (r"\x41\t\n\*", r"A\u0009\u000A\*"),
        ("(ab)+", "(?:ab)+"),
        ("(?P<name>a)<", r"(?:a)\u003C"),
        ("it's \"?\"", r#"it\'s \"?\""#),
        ("a{0}b", "b"),
        ("", "(?:)"),
        (r"\Aa\z", "^a$"),
        ("***=x", "the pattern is not valid: repetition operator missing expression"),
    ] {
        let actual = compile(source).map_or_else(|message| message, |pattern| pattern.postgres);
        assert_eq!(actual, expected, "{source}");
    }
}

#[test]
fn rewritten_patterns_mean_the_same_to_the_regex_crate() {
    let texts = [
        "",
        "a",
        "abc",
        "a\nc",
        "12.34",
        "٣",
        "OK",
        "o\u{212A}",
        "é",
        "éé",
        "<",
        "\\",
        "-",
        "]",
        "^",
        "xabyy",
        "_ \t9",
    ];
    for source in [
        "^a.c$",
        "(?s)^a.c$",
        r"^\d+\.\d{2}$",
        r"^\w",
        r"\s",
        r"[^\d\S]",
        "(?i)ok",
        "é{2}",
        r"^[\-\]\^\\]$",
        "x(?:ab|cd)y",
        "ab|cd|",
        "^[^a-z]*$",
        r"^\W+$",
        "",
        "^(a|)$",
        "(?-s:.)",
        "a{0,2}c",
    ] {
        let written = Regex::new(&compile(source).unwrap().postgres).unwrap();
        // Without Unicode classes, the crate interprets patterns like RE2.
        let ascii = source.replace(r"\d", "[0-9]").replace(r"\w", "[0-9A-Za-z_]").replace(r"\W", "[^0-9A-Za-z_]");
        let ascii = ascii.replace(r"[^[0-9]\S]", "[\\t\\n\\f\\r ]").replace(r"\s", "[\\t\\n\\f\\r ]");
        let original = Regex::new(&ascii).unwrap();
        for text in texts {
            assert_eq!(written.is_match(text), original.is_match(text), "{source} on {text:?}");
        }
    }
}

#[test]
fn the_largest_patterns_are_compiled() {
    for source in [
        "(?:.{250}){2}".to_owned(),
        "[^é]{255}[^é]{240}".to_owned(),
        format!("(?:{}){{100}}", "[à-ü]".repeat(10)),
        format!("[{}]{{12}}", ('Ā'..'Ɛ').step_by(2).take(80).collect::<String>()),
        "(?:[Ā-\u{10000}]{250}){4}".to_owned(),
        "(?:[^\u{800}\u{10000}]{150}){2}".to_owned(),
    ] {
        assert!(compile(&source).is_ok_and(|pattern| !pattern.regex.is_match("")), "{source}");
    }
}
