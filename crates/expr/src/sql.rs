//! Compilation to SQL.
//!
//! Every value is exact, and an error is NULL, so that PostgreSQL's `AND`, `OR` and `NOT` are CEL's. A condition is compiled
//! in one of two modes: below a WHERE only TRUE matters, which lets indexes serve and needs no `coalesce`; elsewhere true,
//! false and errors must be TRUE, FALSE and NULL. Negations move inwards, to where they cost nothing.

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

/// More SQL than this is refused: calculations that may overflow inside of each other double their text.
const MAX_TEXT: usize = 65_536;

/// The condition of a WHERE over the alias `r`, which binds at least as tightly as AND.
pub(crate) fn filter(scope: Scope<'_>, expr: &Expr) -> Result<Fragment, ExprError> {
    let mut compiler = Compiler::new(scope);
    let condition = compiler.condition(expr, false, Mode::Where)?;
    // Brackets around an OR, so that it can stand beside other conditions.
    let piece = Builder::default().operand(&condition.piece(), Binding::And).finish(Binding::And);
    Ok(Fragment { text: piece.text, slots: piece.slots })
}

/// A scalar field over the alias `r`, for orders, groups and aggregates.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldValue {
    /// NULL where the field is absent. No slots, and no collation: texts that are sorted need `COLLATE "C"` behind it.
    pub(crate) sql: String,
    /// PostgreSQL's type.
    pub(crate) sql_type: &'static str,
    pub(crate) nullable: bool,
    /// The field, if it is a column of its own.
    pub(crate) column: Option<FieldId>,
}

/// The SQL of a scalar field of the record, which is not behind a relation.
pub(crate) fn field_value(scope: Scope<'_>, field: &Field) -> Result<FieldValue, ExprError> {
    let value = Compiler::new(scope).field(field)?;
    let column = field.steps.first().copied().filter(|_| value.is_column);
    let sql_type = value.ty.name();
    let nullable = value.null != value::WhenNull::Never;
    // Brackets, so that whatever follows belongs to all of it.
    let sql = Builder::default().operand(&value.piece, Binding::Cast).finish(Binding::Atom).text;
    Ok(FieldValue { sql, sql_type, nullable, column })
}

/// Which of TRUE, FALSE and NULL must be right.
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
    /// The related records that are at hand here.
    joined: Vec<Joined>,
    /// Of the enclosing `exists`, `all` and `exists_one`.
    variables: Vec<Variable>,
    /// How many of those were compiled.
    quantifiers: usize,
}

impl<'a> Compiler<'a> {
    fn new(scope: Scope<'a>) -> Self {
        Self { scope, joined: Vec::new(), variables: Vec::new(), quantifiers: 0 }
    }
}

/// The name of a table, or of the elements of a list, inside of `outer` others: `a`, `a2`, `a3`.
fn numbered(letter: &str, outer: usize) -> String {
    if outer == 0 { letter.to_owned() } else { format!("{letter}{}", outer + 1) }
}

/// An expression that is right but has no exact SQL.
#[cold]
fn unsupported(message: impl Into<String>) -> ExprError {
    ExprError::new(message)
}

/// Refuses SQL that has grown too long.
fn check_length(text: &str) -> Result<(), ExprError> {
    if text.len() > MAX_TEXT {
        return Err(unsupported(format!(
            "this becomes more than {MAX_TEXT} bytes of SQL: calculate less inside of other calculations and conditions"
        )));
    }
    Ok(())
}
