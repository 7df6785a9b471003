//! Compiles expressions to SQL.
//!
//! Every value is exact, and an error is NULL, so that PostgreSQL's `AND`, `OR` and `NOT` behave like CEL's. A condition is
//! compiled in one of two modes: below a WHERE only TRUE matters, which allows indexes and needs no `coalesce`; elsewhere true,
//! false and errors must be TRUE, FALSE and NULL. Negations move inwards, where they cost nothing.

mod arithmetic;
mod compare;
mod compare_constant;
mod compare_values;
mod condition;
mod constant;
mod convert;
mod distribute;
mod double;
mod element;
mod has;
mod list;
mod location;
mod logic;
mod one_of;
mod piece;
mod quantified;
mod relation;
mod text;
mod value;
mod values;

#[cfg(test)]
pub(crate) mod tests;

use crate::ir::{Expr, Field};
use crate::{ExprError, Scope};
use groundplan_model::shape::FieldId;
use location::Variable;
use piece::{Binding, Builder};
use relation::Joined;

/// A part of a statement. Identifiers come from the catalog, and values are slots: the text contains nothing from the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Fragment {
    /// The SQL with a `?` for each slot, in order. It contains no other `?`.
    pub text: String,
    pub slots: Vec<Slot>,
}

/// A value for a `?`. The text has the type where PostgreSQL cannot infer it.
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
    /// An array of slots of one type. The text has the type, such as `?::bigint[]`, because the array can be empty.
    Array(Vec<Slot>),
    /// `timestamptz`, the time of the request.
    Now,
}

/// The maximum size of the SQL in bytes: nested calculations that can overflow double their text.
const MAX_TEXT: usize = 65_536;

/// The condition of a WHERE over the alias `r`, which binds at least as tightly as AND.
pub(crate) fn filter(scope: Scope<'_>, expr: &Expr) -> Result<Fragment, ExprError> {
    let mut compiler = Compiler::new(scope);
    let condition = compiler.condition(expr, false, Mode::Where)?;
    // Brackets around an OR, so that other conditions can be added.
    let piece = Builder::default().operand(&condition.piece(), Binding::And).finish(Binding::And);
    Ok(Fragment { text: piece.text, slots: piece.slots })
}

/// A scalar field over the alias `r`, for orders, groups and aggregates.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldValue {
    /// NULL if the field is absent. It has no slots, and no collation: sorting texts requires an additional `COLLATE "C"`.
    pub(crate) sql: String,
    /// PostgreSQL's type.
    pub(crate) sql_type: &'static str,
    pub(crate) nullable: bool,
    /// The field, if it is a column.
    pub(crate) column: Option<FieldId>,
}

/// Compiles a scalar field of the record itself.
pub(crate) fn field_value(scope: Scope<'_>, field: &Field) -> Result<FieldValue, ExprError> {
    let value = Compiler::new(scope).field(field)?;
    let column = field.steps.first().copied().filter(|_| value.is_column);
    let sql_type = value.ty.name();
    let nullable = value.null != value::WhenNull::Never;
    // Brackets, so that appended SQL applies to all of it.
    let sql = Builder::default().operand(&value.piece, Binding::Cast).finish(Binding::Atom).text;
    Ok(FieldValue { sql, sql_type, nullable, column })
}

/// Which of TRUE, FALSE and NULL must be exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// TRUE only: FALSE and NULL are the same.
    Where,
    /// All three.
    Exact,
}

/// Compiles one expression.
struct Compiler<'a> {
    scope: Scope<'a>,
    /// The related records that are joined here.
    joined: Vec<Joined>,
    /// The variables of the enclosing `exists`, `all` and `exists_one`.
    variables: Vec<Variable>,
    /// The number of compiled quantifiers.
    quantifiers: usize,
}

impl<'a> Compiler<'a> {
    fn new(scope: Scope<'a>) -> Self {
        Self { scope, joined: Vec::new(), variables: Vec::new(), quantifiers: 0 }
    }
}

/// Returns the alias of a table or of list elements inside `outer` others: `a`, `a2`, `a3`.
fn numbered(letter: &str, outer: usize) -> String {
    if outer == 0 { letter.to_owned() } else { format!("{letter}{}", outer + 1) }
}

/// Returns the error for a valid expression without exact SQL.
#[cold]
fn unsupported(message: impl Into<String>) -> ExprError {
    ExprError::new(message)
}

/// Rejects SQL that is too long.
fn check_length(text: &str) -> Result<(), ExprError> {
    if text.len() > MAX_TEXT {
        return Err(unsupported(format!(
            "this becomes more than {MAX_TEXT} bytes of SQL: simplify nested calculations and conditions"
        )));
    }
    Ok(())
}
