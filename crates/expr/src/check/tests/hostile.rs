//! Hostile or broken expressions must fail quickly and without a panic.

use super::limits::on_worker;
use super::{check, debug, error_of};
use std::time::{Duration, Instant};

/// Reproducible pseudo-random numbers.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

#[test]
fn large_expressions_are_rejected_quickly() {
    let started = Instant::now();
    for source in [
        "a".repeat(1 << 20),
        "(".repeat(1 << 20),
        format!("pages == 1{}", " || pages == 1".repeat(10_000)),
        format!("{}listed{}", "(".repeat(1_000), ")".repeat(1_000)),
        format!("{}listed", "!".repeat(1_000)),
        format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000)),
        format!("title{}", ".x".repeat(1_000)),
        format!("title == '{}'", "\\".repeat(4_001)),
        format!("title == {}", "'".repeat(4_001)),
        format!("title == {}", "\"\"\"".repeat(1_300)),
        "\n".repeat(1 << 20),
        format!("pages == {}", "9".repeat(4_000)),
        format!("price == 1e{}", "9".repeat(4_000)),
        format!("{}(", "a".repeat(4_000)),
        "a,".repeat(2_000),
        "r".repeat(4_000),
    ] {
        assert!(check(&source).is_err(), "{}", &source[..40]);
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn exploding_patterns_are_rejected() {
    for pattern in [
        "(((((a{9}){9}){9}){9}){9}){9}",
        "(a{255}){255}",
        "(x+x+)+y{256}",
        "((((((((((a*)*)*)*)*)*)*)*)*)*){1000}",
        &"(".repeat(250),
        &"(?:".repeat(80),
        &format!("{}{}", "(".repeat(120), ")".repeat(120)),
        "[",
        "\\",
        "a{",
        "a{2,1}",
        "(?P<n",
        "[z-a]",
        "\\x{110000}",
        "(?<!a)b",
        "\\pX",
        "*",
        "(?i-s:x)(?x) y",
    ] {
        let started = Instant::now();
        let said = error_of(&format!("title.matches(r'{pattern}')"));
        assert!(said.contains("pattern"), "{pattern}: {said}");
        assert!(started.elapsed() < Duration::from_secs(60), "{pattern}");
    }
}

/// Tokens for random sequences.
const TOKENS: &[&str] = &[
    "listed",
    "pages",
    "title",
    "tags",
    "parts",
    "labels",
    "maker",
    "address",
    "status",
    "now",
    "record",
    "x",
    "has",
    "size",
    "exists",
    "all",
    "exists_one",
    "map",
    "filter",
    "matches",
    "search",
    "startsWith",
    "int",
    "double",
    "string",
    "timestamp",
    "duration",
    "STATUS_ACTIVE",
    "true",
    "false",
    "null",
    "in",
    "0",
    "1",
    "2u",
    "3.5",
    "0x1F",
    "1e9",
    "9223372036854775808",
    "'a'",
    "\"b\"",
    "r'\\d+'",
    "b'c'",
    "'2030-01-01T00:00:00Z'",
    "'1h'",
    "''",
    "(",
    ")",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ",",
    ".",
    ".",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    "!",
    "+",
    "-",
    "*",
    "/",
    "%",
    "?",
    ":",
    " ",
    "\n",
    "// c\n",
    "`in`",
    "=",
    "&",
    "\\",
    "é",
    "\0",
    "t0",
    "t1",
    "t3",
    "@result",
    "_",
];

#[test]
fn any_sequence_of_tokens_returns() {
    let mut numbers = Numbers(7);
    let (mut accepted, mut slowest) = (0, Duration::ZERO);
    on_worker(|| {
        for _ in 0..100_000 {
            let length = 1 + numbers.next(12);
            let source: String = (0..length).map(|_| [TOKENS[numbers.next(TOKENS.len())], " "].concat()).collect();
            let started = Instant::now();
            if let Ok(expr) = check(&source) {
                assert!(!debug::write(&expr).is_empty());
                accepted += 1;
            }
            slowest = slowest.max(started.elapsed());
        }
    });
    assert!(accepted > 100, "{accepted}");
    assert!(slowest < Duration::from_secs(60), "{slowest:?}");
}

#[test]
fn nearly_valid_expressions_return() {
    const SEEDS: &[&str] = &[
        "(pages + 1) * 2 > views && title.startsWith('a') || !has(rank)",
        "parts.exists(p, p.name == title && p.parts.all(q, q.count in [1, 2, -3]))",
        "listed ? pages == 1 : status in [STATUS_ACTIVE, 'STATUS_GONE']",
        "labels['a'] != labels.b && maker.country == \"NO\" && -price < 3.5",
        "created_at - duration('1h30m') > timestamp('2030-01-01T00:00:00Z')",
        "title.matches(r'^(a|b)+[^c]{2,3}$') && size(tags) > 2 && tags[0] == 'x'",
    ];
    let mut numbers = Numbers(11);
    on_worker(|| {
        for _ in 0..20_000 {
            let mut text: Vec<char> = SEEDS[numbers.next(SEEDS.len())].chars().collect();
            for _ in 0..=numbers.next(3) {
                if text.is_empty() {
                    break;
                }
                let at = numbers.next(text.len());
                match numbers.next(4) {
                    0 => _ = text.remove(at),
                    1 => text.insert(at, text[numbers.next(text.len())]),
                    2 => {
                        text[at] =
                            ['(', ')', '[', ']', '\'', '"', '.', ',', '?', ':', '!', '-', 'é', '\0'][numbers.next(14)]
                    }
                    _ => text.truncate(at.max(1)),
                }
            }
            let source: String = text.iter().collect();
            if let Ok(expr) = check(&source) {
                assert!(!debug::write(&expr).is_empty());
            }
        }
    });
}

#[test]
fn nasty_names_and_texts_are_unchanged() {
    let nasty = [
        "'; DROP TABLE thing; --",
        "\" OR 1=1 --",
        "$1",
        "?",
        "%s",
        "\\",
        "''",
        "\"\"",
        "/* x */",
        "pg_sleep(10)",
        "\u{202e}abc",
        "a\u{301}",
        "\r\n",
        "\u{feff}",
        "￿",
        "t0",
        "{}",
        "${jndi:ldap://x}",
        "%00",
        "<script>",
        "null",
        "true",
    ];
    for text in nasty {
        let quoted: String = text.chars().map(|character| format!("\\U{:08x}", u32::from(character))).collect();
        let expr = check(&format!("title == '{quoted}'")).unwrap_or_else(|error| panic!("{text:?} {error}"));
        assert_eq!(debug::write(&expr), format!("(== title {text:?})"));
        // Two quotes are an empty string.
        assert!(text.starts_with(['\'', '"']) || check(&format!("{text} == 'x'")).is_err(), "{text}");
        assert!(check(&format!("`{text}` == 'x'")).is_err(), "{text}");
        assert!(check(&format!("address.{text} == 'x'")).is_err(), "{text}");
    }
}
