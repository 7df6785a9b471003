//! Limits on CEL. The parser, the checker and whoever reads their answer recurse, so that an expression must be known to
//! be shallow before any of them sees it: a stack that overflows takes the process with it.

use crate::tokens::{self, Token};
use groundplan_error::Limit;
use std::fmt;

/// The longest expression, in bytes.
pub const MAX_LENGTH: usize = 4_096;

/// The deepest nesting of brackets in an expression.
pub const MAX_NESTING: usize = 24;

/// The most operators in an expression, each `.` and `[` among them: a chain of them is as deep as it is long.
pub const MAX_OPERATORS: usize = 200;

/// The most `?` in an expression. The parser counts each as a level, and its own limit, 96, makes a debug build panic.
pub const MAX_CONDITIONS: usize = 48;

/// The most levels of a filter: brackets, `? :`, and operators that have the one before them as an operand, as in
/// `a + b + c` and `a.b.c`. `&&` and `||` are no levels.
pub const MAX_DEPTH: usize = 100;

/// The most constants in a list behind `in`.
pub const MAX_CONSTANTS: usize = 500;

/// The most `exists`, `all` and `exists_one` inside each other: each goes through all elements for each of the outer one's.
pub const MAX_NESTED_QUANTIFIERS: usize = 2;

/// The most `all`, `exists`, `map` and the like inside each other in a rule: each goes through all elements for each of the
/// outer one's, which the request's steps bound.
pub const MAX_NESTED_MACROS: usize = 8;

/// The most bytes that a compiled pattern of a rule takes.
pub const MAX_RULE_PATTERN: usize = 10 << 20;

/// The most times that a filter joins texts: each may be as long as a record, and PostgreSQL makes the whole.
pub const MAX_CONCATENATIONS: usize = 8;

/// The longest text that a formula makes, in bytes: another one may read it and make a longer one.
pub const MAX_RESULT_BYTES: usize = 1 << 20;

/// The longest regular expression of `matches`, in bytes.
pub const MAX_PATTERN: usize = 256;

/// The largest count in a regular expression's repetition, such as `{2,255}`: PostgreSQL has no larger one.
pub const MAX_REPETITION: u32 = 255;

/// The most that a regular expression may grow to when its repetitions are written out: characters, classes and anchors.
pub const MAX_PATTERN_SIZE: usize = 1_000;

/// The longest `order_by`, in bytes.
pub const MAX_ORDER_LENGTH: usize = 512;

/// The most keys of an `order_by`.
pub const MAX_ORDER_KEYS: usize = 8;

/// All of them.
pub const LIMITS: &[Limit] = &[
    Limit::bytes("an expression", MAX_LENGTH, "FILTER_INVALID"),
    Limit::things("nested brackets", MAX_NESTING, "levels", "FILTER_INVALID"),
    Limit::things("an expression", MAX_OPERATORS, "operators", "FILTER_INVALID; `.` and `[` are operators"),
    Limit::things("nested operators", MAX_DEPTH, "levels", "FILTER_INVALID; `&&` and `||` are not levels"),
    Limit::things("an expression", MAX_CONDITIONS, "conditions (`? :`)", "FILTER_INVALID"),
    Limit::things("a list after `in`", MAX_CONSTANTS, "constants", "FILTER_INVALID"),
    Limit::things("nested `exists` and `all`", MAX_NESTED_QUANTIFIERS, "levels", "FILTER_INVALID"),
    Limit::things(
        "nested `all`, `exists`, `map` and similar macros in a rule",
        MAX_NESTED_MACROS,
        "levels",
        "RULE_INVALID",
    ),
    Limit::things("a filter", MAX_CONCATENATIONS, "texts joined by `+`", "FILTER_INVALID"),
    Limit::bytes(
        "a string or bytes value that a formula returns",
        MAX_RESULT_BYTES,
        "INVALID_FIELDS, with the rule `default` or `computed`",
    ),
    Limit::bytes("a regular expression", MAX_PATTERN, "FILTER_INVALID"),
    Limit::things(
        "a regular expression with its repetitions expanded",
        MAX_PATTERN_SIZE,
        "characters",
        "FILTER_INVALID",
    ),
    Limit::things("a repetition in a regular expression", MAX_REPETITION as usize, "times", "FILTER_INVALID"),
    Limit::bytes("an order", MAX_ORDER_LENGTH, "ORDER_INVALID"),
    Limit::things("an order", MAX_ORDER_KEYS, "fields", "ORDER_INVALID"),
];

/// What an expression has too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    Length,
    Nesting,
    Operators,
    Conditions,
    Depth,
    Constants,
}

impl LimitKind {
    /// How much is allowed.
    pub fn limit(self) -> usize {
        match self {
            Self::Length => MAX_LENGTH,
            Self::Nesting => MAX_NESTING,
            Self::Operators => MAX_OPERATORS,
            Self::Conditions => MAX_CONDITIONS,
            Self::Depth => MAX_DEPTH,
            Self::Constants => MAX_CONSTANTS,
        }
    }
}

/// Why an expression must not reach the parser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitViolation {
    /// More of something than is allowed.
    Exceeded { kind: LimitKind, actual: usize },
    /// At this byte is no token.
    Unreadable { offset: usize, rest: String },
}

impl fmt::Display for LimitViolation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, actual) = match self {
            Self::Exceeded { kind, actual } => (*kind, *actual),
            Self::Unreadable { rest, .. } => {
                return write!(formatter, "cannot be read at {rest:?}: no word, number, operator or string of CEL");
            }
        };
        match kind {
            LimitKind::Length => write!(formatter, "has {actual} bytes")?,
            LimitKind::Nesting => write!(formatter, "nests {actual} brackets")?,
            LimitKind::Operators => write!(formatter, "has {actual} operators and indexes")?,
            LimitKind::Conditions => write!(formatter, "has {actual} conditions")?,
            LimitKind::Depth => write!(formatter, "is {actual} operators deep")?,
            LimitKind::Constants => write!(formatter, "has a list of {actual} constants")?,
        }
        write!(formatter, "; at most {} are allowed", kind.limit())
    }
}

/// Says why an expression is too much, or not even one, if it is. Filters have two more bounds: depth and constants.
pub fn limit_violation(expression: &str) -> Option<LimitViolation> {
    let check = |kind: LimitKind, actual| (actual > kind.limit()).then_some(LimitViolation::Exceeded { kind, actual });
    if let Some(violation) = check(LimitKind::Length, expression.len()) {
        return Some(violation);
    }
    match Size::measure(expression) {
        Ok(size) => check(LimitKind::Nesting, size.nesting)
            .or_else(|| check(LimitKind::Operators, size.operators))
            .or_else(|| check(LimitKind::Conditions, size.conditions)),
        Err(offset) => {
            let rest = shortened(expression.get(offset..).unwrap_or_default(), 60);
            Some(LimitViolation::Unreadable { offset, rest })
        }
    }
}

/// What makes an expression deep.
#[derive(Default)]
struct Size {
    nesting: usize,
    operators: usize,
    conditions: usize,
}

impl Size {
    /// Measures an expression; strings and comments do not count. `Err` is the byte at which is no token.
    fn measure(expression: &str) -> Result<Self, usize> {
        let mut depth = 0_usize;
        let mut size = Self::default();
        let mut rest = expression;
        while !rest.is_empty() {
            let (token, after) = tokens::next(rest).ok_or(expression.len() - rest.len())?;
            match token {
                Token::Open => {
                    depth += 1;
                    // An index is as deep as what it is taken of, which is before it and not around it.
                    size.operators += usize::from(rest.starts_with('['));
                }
                Token::Close => depth = depth.saturating_sub(1),
                Token::Operator => size.operators += 1,
                Token::Condition => size.conditions += 1,
                _ => {}
            }
            size.nesting = size.nesting.max(depth);
            rest = after;
        }
        Ok(size)
    }
}

/// The first characters of a long text.
pub fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest { text.to_owned() } else { text.chars().take(longest).chain(['…']).collect() }
}
