//! The syntax of an expression, before names are resolved.

use crate::ir::{Arithmetic, Comparison};

/// A byte range of an expression with matching brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A part of an expression.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: NodeKind,
}

#[derive(Debug)]
pub(crate) enum NodeKind {
    Name(String),
    Literal(Literal),
    List(Vec<Node>),
    Select {
        operand: Box<Node>,
        name: String,
        /// The span of the name.
        name_span: Span,
    },
    Index {
        operand: Box<Node>,
        index: Box<Node>,
    },
    Call {
        name: String,
        /// The span of the name.
        name_span: Span,
        target: Option<Box<Node>>,
        arguments: Vec<Node>,
    },
    Unary {
        operator: Unary,
        operand: Box<Node>,
    },
    Binary {
        operator: Operator,
        left: Box<Node>,
        right: Box<Node>,
    },
    /// Two or more, in order.
    And(Vec<Node>),
    /// Two or more, in order.
    Or(Vec<Node>),
    Conditional {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Box<Node>,
    },
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Bool(bool),
    /// Without its sign, which is an operator; up to 2^63, so that the smallest int can be written.
    Int(u64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Negate,
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Compare(Comparison),
    Calculate(Arithmetic),
    In,
}
