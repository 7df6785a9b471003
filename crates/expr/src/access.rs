//! Which indexes could serve a condition.

use crate::ir::Expr;
use groundplan_model::shape::FieldId;

/// What of a condition an index could serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// All of these hold: one that is served is enough.
    All(Vec<Access>),
    /// Any of these holds: each must be served.
    Any(Vec<Access>),
    /// A test of a column of the model.
    Column { field: FieldId, test: Test },
    /// Nothing that an index serves.
    Opaque,
}

/// How a column is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// Equal to a value, or one of several; absent, or a bool as it is.
    Equal,
    /// Less or greater than a value.
    Range,
    /// A text starts with a value.
    Prefix,
    /// A text contains a value, ends with one, or matches a pattern.
    Substring,
    /// A repeated field contains a value.
    Element,
    /// `search`.
    Search,
}

pub(crate) fn of(_: &Expr) -> Access {
    Access::Opaque
}
