//! Tests of expressions at the limits, on a stack as small as a worker's, and beyond them.

use super::{check, error_of};
use crate::limits::{
    MAX_CONDITIONS, MAX_CONSTANTS, MAX_DEPTH, MAX_LENGTH, MAX_NESTING, MAX_OPERATORS, limit_violation,
};

/// Runs on a stack of the size of a tokio worker's.
pub(super) fn on_worker<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let worker = std::thread::Builder::new().stack_size(2 << 20);
    std::thread::scope(|scope| worker.spawn_scoped(scope, work).unwrap().join().unwrap())
}

/// Returns expressions of the maximum depth, in one or several ways.
fn deepest() -> Vec<String> {
    let nested = |inner: &str, open: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(MAX_NESTING), close.repeat(MAX_NESTING))
    };
    let (operators, chain) = (MAX_OPERATORS - 2, MAX_DEPTH - 2);
    let conditions = "listed ? true : ".repeat(MAX_CONDITIONS);
    let deep_parts = |inner: &str| {
        let inner = nested(inner, "(", ")");
        let inner = inner.get(2..inner.len() - 2).unwrap_or_default().to_owned();
        format!("parts.exists(p0, p0.parts.all(p1, {inner}))")
    };
    vec![
        nested("listed", "(", ")"),
        nested("listed", "!(", ")"),
        nested("pages", "-(", ")") + " >= 0",
        nested("pages", "int(", ")") + " >= 0",
        format!("views{} >= 0", " + views".repeat(chain)),
        format!("views{} >= 0", " - 1".repeat(chain)),
        format!("listed{}", " == listed".repeat(chain)),
        format!("listed{}", " && listed".repeat(operators)),
        format!("listed{}", " || listed".repeat(operators)),
        format!("listed{}", " && listed || listed".repeat(operators / 2)),
        format!("address{}.city == ''", ".other".repeat(chain - 1)),
        format!("{conditions}listed"),
        nested("listed", "(listed && ", ")"),
        format!("{} >= 0", nested(&format!("views{}", " + views".repeat(chain - 2 * MAX_NESTING)), "(views + ", ")")),
        deep_parts("p1.name == ''"),
        format!("{}{}", "listed ? true : ".repeat(MAX_NESTING), deep_parts("p1.count == 0")),
        format!("pages in [{}]", vec!["1"; MAX_CONSTANTS].join(", ")),
        format!("views in [{}]", vec!["-1"; 190].join(", ")),
    ]
}

#[test]
fn the_deepest_expressions_fit_the_stack_of_a_worker() {
    for text in deepest() {
        assert_eq!(limit_violation(&text), None, "{text}");
        let started = std::time::Instant::now();
        let checked = on_worker(|| check(&text).map(|expr| drop(expr.clone())));
        assert_eq!(checked, Ok(()), "{text}");
        assert!(started.elapsed().as_secs() < 60, "{:?} for {text}", started.elapsed());
    }
}

#[test]
fn expressions_beyond_the_limits_are_rejected_with_help() {
    for (source, expected) in [
        (
            "a".repeat(MAX_LENGTH + 1),
            "the expression has 4097 bytes; at most 4096 are allowed: shorten it, or use several requests",
        ),
        (
            format!("{}listed{}", "(".repeat(25), ")".repeat(25)),
            "the expression nests 25 brackets; at most 24 are allowed: leave out the brackets that change nothing, or use several requests",
        ),
        (
            format!("pages == 1{}", " || pages == 1".repeat(100)),
            "the expression has 201 operators and indexes; at most 200 are allowed: replace many comparisons of one field by `in [...]`, or use several requests",
        ),
        (
            format!("{}listed", "listed ? true : ".repeat(49)),
            "the expression has 49 conditions; at most 48 are allowed: replace `a ? b : c` by `&&` and `||`, or use several requests",
        ),
        (
            format!("views{} == 1", " + 1".repeat(100)),
            "the expression is 101 operators deep; at most 100 are allowed: break the chain by `&&`, or use several requests (at 1:407)",
        ),
        (
            format!("pages in [{}]", vec!["1"; 501].join(",")),
            "the expression has a list of 501 constants; at most 500 are allowed: shorten it, or use several requests (at 1:10)",
        ),
        (
            format!("title.matches('{}')", "a".repeat(257)),
            "the pattern has 257 bytes; at most 256 are allowed: shorten it (at 1:15)",
        ),
    ] {
        assert_eq!(error_of(&source), expected);
    }
}
