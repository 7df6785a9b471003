//! CEL over the records of a model: an expression is parsed, bounded and checked against the model's types, and then
//! evaluated on a record or compiled to SQL with binds. A [`Filter`] is a condition, a [`Formula`] a value, a [`Rule`] a
//! condition on a value that is written. Pure: no I/O, no waiting.
//!
//! **Exactness.** For every record, the SQL is true exactly when the evaluator returns true. An evaluation error (an absent
//! timestamp, a missing map key, an overflow, a division by zero) is no match, also below a `!`: it is SQL's NULL, and
//! `&&`, `||` and `!` over errors follow SQL's three-valued logic.
//!
//! Modules: `parse` and `check` create an [`ir::Expr`], which `evaluate` runs and `sql` compiles; `access` determines which
//! indexes could serve it.

pub mod ir;
pub mod limits;
pub mod tokens;

mod access;
mod check;
mod error;
mod evaluate;
mod external;
mod field_conversion;
mod formula;
mod order;
mod parse;
mod pattern;
mod purpose;
mod rule;
mod rule_scope;
mod sql;
mod time_literal;

pub use access::{Access, ColumnTest};
pub use error::ExprError;
pub use evaluate::EvaluationFailure;
pub use external::ExternalDependency;
pub use formula::{Formula, FormulaError, Formulas};
pub use purpose::FormulaKind;
pub use rule::{Rule, This, Verdict};
pub use rule_scope::{RuleParameter, RuleParameterField, RuleScope, ThisType};
pub use sql::{Fragment, Slot};

use groundplan_budget::Budget;
use groundplan_codec::Record;
use groundplan_error::Error;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::shape::FieldId;
use ir::{Expr, Field};
use std::sync::Arc;

/// The scope of names in an expression: the fields of `model`, and of the models that its references lead to.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub catalog: &'a Catalog,
    pub model: &'a Arc<Model>,
}

/// A boolean expression over the records of a model, checked and compiled.
#[derive(Clone, Debug)]
pub struct Filter {
    expr: Expr,
    sql: Fragment,
    access: Access,
}

impl Filter {
    /// Parses, checks and compiles `source`, which is not empty.
    pub fn compile(scope: Scope<'_>, source: &str) -> Result<Self, ExprError> {
        let expr = check::filter(scope, source)?;
        Self::from_expr(scope, expr)
    }

    /// Compiles a checked expression.
    pub fn from_expr(scope: Scope<'_>, expr: Expr) -> Result<Self, ExprError> {
        let sql = sql::filter(scope, &expr)?;
        let access = access::analyze(scope, &expr);
        Ok(Self { expr, sql, access })
    }

    /// Returns the checked expression.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Returns the condition of a WHERE over the model's table, which must have the alias `r`.
    pub fn sql(&self) -> &Fragment {
        &self.sql
    }

    /// Returns which indexes could serve the condition.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Returns what the condition depends on in addition to the record; `None` if the record alone determines the result.
    pub fn external_dependency(&self) -> Option<ExternalDependency> {
        external::external_dependency(&self.expr)
    }

    /// Evaluates the condition on a record. For a filter, an [`EvaluationFailure`] is no match.
    ///
    /// `related` reads the record that a reference field leads to.
    ///
    /// # Errors
    /// The budget's error if it is exceeded, cancelled or late. This is never "no match".
    pub fn evaluate(
        &self,
        scope: Scope<'_>,
        record: &Record,
        now: i64,
        related: &dyn Fn(FieldId) -> Option<Record>,
        budget: &Budget,
    ) -> Result<Result<bool, EvaluationFailure>, Error> {
        evaluate::filter(scope, &self.expr, record, now, related, budget)
    }
}

/// One key of an order.
#[derive(Clone, Debug)]
pub struct OrderKey {
    /// The name as the caller wrote it.
    pub name: String,
    pub field: Field,
    pub descending: bool,
    /// The key's SQL over the alias `r`, without slots. Absent values are NULL, which sorts last.
    pub sql: String,
    /// PostgreSQL's type of `sql`, for casting values of rows.
    pub sql_type: &'static str,
    /// Whether `sql` can be NULL.
    pub nullable: bool,
    /// The field, if `sql` is just its column: only then can an index provide the order.
    pub column: Option<FieldId>,
}

/// Parses an `order_by` (AIP-132): comma-separated fields, each with an optional ` asc` or ` desc`. Names are proto names or
/// JSON names, nested ones with dots. Rejects fields that are not scalar, that belong to another record, or that occur twice.
/// Returns no keys for an empty text.
pub fn order_by(scope: Scope<'_>, source: &str) -> Result<Vec<OrderKey>, ExprError> {
    order::parse(scope, source)
}

/// Resolves the path of a field, such as `pages` or `address.city`, to SQL over the alias `r`, for groups and aggregates. The
/// key is like one of an order; `descending` is false.
pub fn value(scope: Scope<'_>, path: &str) -> Result<OrderKey, ExprError> {
    order::value(scope, path)
}
