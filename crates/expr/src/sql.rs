//! Compilation to SQL.

use crate::ir::Expr;
use crate::{ExprError, Scope};

/// A part of a statement. Identifiers come from the catalog, values are slots: nothing that a caller wrote is in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Fragment {
    /// With a `?` for each slot, in order. A `?` is never anything else.
    pub text: String,
    pub slots: Vec<Slot>,
}

/// A value for a `?`. The text says the type where PostgreSQL could not infer it.
#[derive(Clone, Debug, PartialEq)]
pub enum Slot {
    Boolean(bool),
    /// `bigint`
    Bigint(i64),
    /// `integer`
    Integer(i32),
    /// `numeric`, of an unsigned number of 64 bits.
    Numeric(u64),
    DoublePrecision(f64),
    Text(String),
    Bytea(Vec<u8>),
    Uuid([u8; 16]),
    /// `timestamptz`, microseconds since the Unix epoch.
    Timestamptz(i64),
    /// `interval`, microseconds.
    Interval(i64),
    /// An array of the slots' one type, which none of them tells if there is none: `?::bigint[]`.
    Array(Vec<Slot>),
    /// `timestamptz`, the time of the request.
    Now,
}

pub(crate) fn filter(_: Scope<'_>, _: &Expr) -> Result<Fragment, ExprError> {
    Err(ExprError::new("not written yet"))
}
