//! Limits of CEL expressions. The parser, the checker and their users recurse, and a stack overflow aborts the process. The depth
//! of an expression is therefore checked first.

use crate::tokens::{self, Token};
use groundplan_error::Limit;
use std::fmt;

/// The maximum length of an expression in bytes.
pub const MAX_LENGTH: usize = 4_096;

/// The maximum nesting of brackets in an expression.
pub const MAX_NESTING: usize = 24;

/// The maximum number of operators in an expression, including `.` and `[`: a chain of them is as deep as it is long.
pub const MAX_OPERATORS: usize = 200;

/// The maximum number of `?` in an expression. The parser counts each as a level, and panics in debug builds at its limit of 96.
pub const MAX_CONDITIONS: usize = 48;

/// The maximum number of levels of a filter: brackets, `? :`, and operators whose operand is the previous operator, as in
/// `a + b + c` and `a.b.c`. `&&` and `||` are not levels.
pub const MAX_DEPTH: usize = 100;

/// The maximum number of constants in a list after `in`.
pub const MAX_CONSTANTS: usize = 500;

/// The maximum nesting of `exists`, `all` and `exists_one`: each iterates over all elements for each element of the outer one.
pub const MAX_NESTED_QUANTIFIERS: usize = 2;

/// The maximum nesting of `all`, `exists`, `map` and similar macros in a rule: each iterates over all elements for each element
/// of the outer one, which the request's steps limit.
pub const MAX_NESTED_MACROS: usize = 8;

/// The maximum size of a compiled pattern of a rule in bytes.
pub const MAX_RULE_PATTERN: usize = 10 << 20;

/// The maximum number of text concatenations in a filter: each text can be as long as a record, and PostgreSQL builds all of it.
pub const MAX_CONCATENATIONS: usize = 8;

/// The maximum size of a formula's result in bytes: another formula can read it and return a longer one.
pub const MAX_RESULT_BYTES: usize = 1 << 20;

/// The maximum length of a regular expression of `matches` in bytes.
pub const MAX_PATTERN: usize = 256;

/// The maximum count in a regular expression's repetition, such as `{2,255}`, which is PostgreSQL's maximum.
pub const MAX_REPETITION: u32 = 255;

/// The maximum number of characters, classes and anchors in a regular expression after expanding its repetitions.
pub const MAX_PATTERN_SIZE: usize = 1_000;

/// The maximum length of an `order_by` in bytes.
pub const MAX_ORDER_LENGTH: usize = 512;

/// The maximum number of keys of an `order_by`.
pub const MAX_ORDER_KEYS: usize = 8;

/// All limits, for the documentation.
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

/// A limited property of an expression.
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
    /// Returns the maximum.
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

/// Why an expression must not be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitViolation {
    /// A limit is exceeded.
    Exceeded { kind: LimitKind, actual: usize },
    /// There is no token at this byte.
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

/// Returns why an expression must not be parsed, if so. Filters have two more limits: depth and constants.
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

/// The size of an expression.
#[derive(Default)]
struct Size {
    nesting: usize,
    operators: usize,
    conditions: usize,
}

impl Size {
    /// Measures an expression without strings and comments; fails with the byte without a token.
    fn measure(expression: &str) -> Result<Self, usize> {
        let mut depth = 0_usize;
        let mut size = Self::default();
        let mut rest = expression;
        while !rest.is_empty() {
            let (token, after) = tokens::next(rest).ok_or(expression.len() - rest.len())?;
            match token {
                Token::Open => {
                    depth += 1;
                    // An index is a level, but its operand is before it and not around it.
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

/// Shortens a text to `longest` characters.
pub fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest { text.to_owned() } else { text.chars().take(longest).chain(['…']).collect() }
}
