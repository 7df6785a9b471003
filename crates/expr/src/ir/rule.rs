//! Expressions that only rules have. They have no SQL.

use super::{Absent, Expr, Type};
use groundplan_model::shape::FieldId;
use regex::Regex;
use std::sync::Arc;

/// A part of a rule. Unlike in filters, lists, maps and messages are values.
#[derive(Clone, Debug)]
pub enum RuleExpr {
    /// `this`, which is level 0, or the variable of an enclosing macro.
    Variable(usize),
    /// A field of a message. An absent message reads like an empty one.
    Member {
        message: Expr,
        field: FieldId,
        ty: Type,
        absent: Absent,
    },
    /// `has(message.field)`.
    HasMember {
        message: Expr,
        field: FieldId,
    },
    List(Vec<Expr>),
    /// `list[index]` or `map[key]`.
    Index {
        collection: Expr,
        index: Expr,
    },
    /// `value in collection`: the elements of a list, the keys of a map.
    Contains {
        value: Expr,
        collection: Expr,
    },
    /// The condition belongs to the quantifier or filter, the body to `map`.
    Macro {
        kind: Macro,
        range: Expr,
        condition: Option<Expr>,
        body: Option<Expr>,
    },
    /// A search by a regular expression of the `regex` crate, which is not compiled for PostgreSQL.
    Matches {
        text: Expr,
        regex: Arc<Regex>,
    },
    /// `"template".format([arguments])`: texts, and arguments with their notation.
    Format {
        pieces: Vec<Piece>,
        arguments: Vec<Expr>,
    },
    Call {
        function: Function,
        arguments: Vec<Expr>,
    },
}

/// A macro over the elements of a list or the keys of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Macro {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

/// A piece of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Argument(Notation),
}

/// The notation of an argument of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// `%s`
    Text,
    /// `%d`
    Decimal,
    /// `%f`, with the number of digits after the decimal point.
    Fixed(usize),
    /// `%e`, with the number of digits after the decimal point.
    Scientific(usize),
    /// `%x` and `%X`
    Hex { upper: bool },
    /// `%o`
    Octal,
    /// `%b`
    Binary,
}

/// A function on values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Bool,
    Timestamp,
    Duration,
    IsNan,
    IsInf,
    IsEmail,
    IsHostname,
    IsHostAndPort,
    IsIp,
    IsIpPrefix,
    IsUri,
    IsUriRef,
    Unique,
}
