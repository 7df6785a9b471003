//! A checked expression: all names are resolved and all types are known. The evaluator and the SQL compiler both use it.

pub mod rule;
mod types;

pub use rule::{Function, Macro, Notation, Piece, RuleExpr};
pub(crate) use types::field_type;
pub use types::{Absent, Type};

use groundplan_model::catalog::Model;
use groundplan_model::shape::{FieldId, Kind};
use regex::Regex;
use std::sync::Arc;

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Const {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
    /// Microseconds since the Unix epoch.
    Timestamp(i64),
    /// Microseconds.
    Duration(i64),
    /// The number, of the enum that the other side has.
    Enum(i32),
    Null,
}

/// The start of a path of fields.
#[derive(Clone, Debug)]
pub enum Root {
    /// The record.
    Record,
    /// The record that a reference leads to, the only relation that an expression can follow. Reading it is an error if the
    /// reference is empty.
    Related {
        /// The field of the record's model that holds the id.
        reference: FieldId,
        model: Arc<Model>,
    },
    /// The variable of the enclosing `exists`, `all` or `exists_one` of this level: 0 is the outermost. The elements are
    /// those of its list, or the keys of its map.
    Variable(usize),
    /// An element that is a message: a `MapValue` or a `ListItem`. Reading a field of a missing element is an error.
    Element(Box<Expr>),
}

/// A path of fields through singular messages.
///
/// Reading through an absent message is like reading an empty message (protobuf's rule): the remaining steps are absent.
#[derive(Clone, Debug)]
pub struct Field {
    pub root: Root,
    /// From the root inwards. Empty only for a variable that is itself the value.
    pub steps: Vec<FieldId>,
    /// The type of the last step.
    pub ty: Type,
    /// The kind of the last step; for a repeated field or a map, of its elements. `None` for map keys.
    pub kind: Option<Kind>,
    /// The result of reading it if it is absent.
    pub absent: Absent,
}

/// A comparison. Numbers of different types are compared by their mathematical values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An arithmetic operation on operands of one type, or on times and durations as in CEL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// Also joins strings.
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Arithmetic {
    /// Returns CEL's operator.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

/// A test of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

/// A transformation of a text. Only formulas have it; it has no SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// `A` to `Z` in lower case; all other characters stay.
    LowerAscii,
    /// `a` to `z` in upper case; all other characters stay.
    UpperAscii,
    /// Removes Unicode white space at both ends.
    Trim,
}

/// How many elements must satisfy a condition. Errors are handled as in CEL: `exists` is a chain of `||`, `all` is a chain of
/// `&&`, and `exists_one` fails for any error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    Exists,
    All,
    ExistsOne,
}

/// A part of a point in time, in UTC. As in CEL, months, days of the month and of the year, and days of the week (Sunday)
/// count from 0; `getDate` counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePart {
    FullYear,
    Month,
    Date,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

/// A regular expression that means the same in RE2 and in PostgreSQL.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// As the caller wrote it, in RE2's syntax.
    pub source: String,
    /// The same for PostgreSQL, rewritten from the parsed pattern.
    pub postgres: String,
    /// The compiled pattern for PostgreSQL, which means the same to the `regex` crate.
    pub(crate) regex: Arc<Regex>,
}

/// An expression.
#[derive(Clone, Debug)]
pub enum Expr {
    Const(Const),
    /// `now`: the time of the request, in microseconds.
    Now,
    Field(Field),
    /// `has(field)`: whether a field without presence differs from zero, or a list or map is not empty. It fails only if a
    /// reference is empty, or a key or index on the path does not exist.
    Has(Field),
    Not(Box<Expr>),
    /// Two or more.
    And(Vec<Expr>),
    /// Two or more.
    Or(Vec<Expr>),
    /// `condition ? then : otherwise`; both of one type.
    Conditional {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// Of one type, or of two number types; or one side is `Const::Null` and the other a wrapper (equality only).
    Compare {
        comparison: Comparison,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `value in [constants]`, all of the value's type.
    OneOf {
        value: Box<Expr>,
        constants: Vec<Const>,
    },
    /// `value in repeated_field`, or `key in map_field`.
    ElementOf {
        value: Box<Expr>,
        list: Field,
    },
    /// `map[key]`: an error if there is no such key. Keys are of the map's key type.
    MapValue {
        map: Field,
        key: Box<Expr>,
        ty: Type,
    },
    /// `list[index]` with an int: an error outside the list.
    ListItem {
        list: Field,
        index: Box<Expr>,
        ty: Type,
    },
    /// Characters of a string, bytes, elements or entries.
    Size(Box<Expr>),
    TextTest {
        test: TextTest,
        text: Box<Expr>,
        part: Box<Expr>,
    },
    Matches {
        text: Box<Expr>,
        pattern: Pattern,
    },
    Rewrite {
        rewrite: Rewrite,
        text: Box<Expr>,
    },
    Arithmetic {
        operation: Arithmetic,
        left: Box<Expr>,
        right: Box<Expr>,
        ty: Type,
    },
    /// Of an int or a double.
    Negate(Box<Expr>),
    /// `int(x)`, `uint(x)`, `double(x)`, `string(x)` of values that CEL converts exactly; an error outside the type's range.
    Convert {
        value: Box<Expr>,
        ty: Type,
    },
    TimePart {
        part: TimePart,
        time: Box<Expr>,
    },
    Quantified {
        quantifier: Quantifier,
        list: Field,
        level: usize,
        condition: Box<Expr>,
    },
    /// `search(field, "words")`: uses a full-text index. Only PostgreSQL can evaluate it; the evaluator fails.
    Search {
        field: Field,
        words: String,
        language: String,
    },
    /// An expression that only rules have. It has no SQL.
    Rule(Box<RuleExpr>),
}
