//! Regular expressions in the part of RE2's syntax that the checker takes.

use rand::RngExt as _;
use rand::rngs::StdRng;

/// What a pattern is made of.
const PARTS: &[&str] = &[
    "a",
    "b",
    "ab",
    "A",
    "1",
    ".",
    ".",
    "[a-z]",
    "[^a]",
    "[0-9]",
    "[a-zA-Z_]",
    "\\.",
    "\\\\",
    "\\?",
    "%",
    "_",
    "'",
    "\"",
    " ",
    "\u{e9}",
    "\u{1f600}",
    "[\u{e0}-\u{ff}]",
    "(a|b)",
    "(?:ab|ba)",
    "(ab)",
    "[\\]\\-]",
    "\\n",
    "\\$",
    "\\d",
    "\\w",
    "\\s",
    "\\D",
    "\\W",
    "\\S",
    "[\\d_]",
    "[^\\w]",
    "(?i:k)",
    "(?i:S)",
    "(?i:\u{e9})",
    "(?s:.)",
    "[[:alpha:]]",
    "\\x{1f600}",
];

const REPEATS: &[&str] = &["", "", "", "", "*", "+", "?", "{2}", "{1,2}"];

/// A random pattern, often with an anchor.
pub(super) fn pattern(random: &mut StdRng) -> String {
    let mut pick = |choices: &[&'static str]| choices[random.random_range(0..choices.len())];
    let mut pattern = pick(&["", "", "", "^", "^", "(?i)", "(?s)"]).to_owned();
    for _ in 0..pick(&["1", "22", "333"]).len() {
        pattern.push_str(pick(PARTS));
        pattern.push_str(pick(REPEATS));
    }
    pattern.push_str(pick(&["", "", "$"]));
    if pick(&["", "", "|"]) == "|" {
        pattern.push('|');
        pattern.push_str(pick(PARTS));
    }
    pattern
}
