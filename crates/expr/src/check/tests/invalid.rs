//! What is said about expressions that are wrong. These sentences are the product.

use super::refusal;

/// An expression a line, `⏎` for a new line in it, and on the next line what is said about it.
const REFUSALS: &str = include_str!("refusals.txt");

#[test]
fn wrong_expressions_are_refused_in_words_and_with_their_place() {
    let mut wrong = String::new();
    let mut lines = REFUSALS.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
    while let (Some(source), Some(expected)) = (lines.next(), lines.next()) {
        let found = refusal(&source.replace('⏎', "\n"));
        if found != expected.trim_start() {
            wrong.push_str(&format!("{source}\n    {found}\n"));
        }
    }
    assert!(wrong.is_empty(), "these are said now:\n{wrong}");
}

#[test]
fn what_is_no_text_is_refused() {
    assert_eq!(refusal(""), "the expression is empty: write a condition, such as `name == \"x\"`");
    assert_eq!(refusal("\0"), "`\\0` is nothing in CEL: put texts in quotes (at 1:1)");
}
