//! Tests of the errors for invalid expressions, which users see.

use super::error_of;

/// An expression per line, with `⏎` for a line break, and the error on the next line.
const ERRORS: &str = include_str!("errors.txt");

#[test]
fn invalid_expressions_are_rejected_with_a_message_and_position() {
    let mut wrong = String::new();
    let mut lines = ERRORS.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
    while let (Some(source), Some(expected)) = (lines.next(), lines.next()) {
        let actual = error_of(&source.replace('⏎', "\n"));
        if actual != expected.trim_start() {
            wrong.push_str(&format!("{source}\n    {actual}\n"));
        }
    }
    assert!(wrong.is_empty(), "the errors are now:\n{wrong}");
}

#[test]
fn empty_and_binary_expressions_are_rejected() {
    assert_eq!(error_of(""), "the expression is empty: write a condition, such as `name == \"x\"`");
    assert_eq!(error_of("\0"), "`\\0` is not valid in CEL: put text in quotes (at 1:1)");
}
