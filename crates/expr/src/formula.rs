//! Formulas: expressions over the written record that provide values of fields.

use crate::ir::Expr;
use crate::purpose::FormulaKind;
use crate::{EvaluationFailure, ExprError, Scope, check, evaluate, field_conversion};
use groundplan_budget::Budget;
use groundplan_codec::{Record, Value};
use groundplan_error::Error;
use groundplan_model::catalog;
use groundplan_model::shape::{FieldId, Kind};

/// An expression over a model's other fields that provides the value of a field. It reads no other record.
#[derive(Clone, Debug)]
pub struct Formula {
    field: FieldId,
    kind: Kind,
    source: String,
    expr: Expr,
}

/// An invalid formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormulaError {
    pub kind: FormulaKind,
    pub formula: catalog::Formula,
    pub error: ExprError,
}

/// The formulas of a model, each list in the order of the fields' numbers.
#[derive(Clone, Debug, Default)]
pub struct Formulas {
    /// The values of unset fields at creation. Each formula sees the results of those before it.
    pub defaults: Vec<Formula>,
    /// The values of computed fields at each write. They do not read each other.
    pub computed: Vec<Formula>,
}

impl Formula {
    /// Parses and checks `source`, whose value must fit the field.
    pub fn compile(scope: Scope<'_>, kind: FormulaKind, field: FieldId, source: &str) -> Result<Self, ExprError> {
        let expr = check::formula(scope, kind, field, source)?;
        let kind = scope.model.shape().field(field).kind;
        Ok(Self { field, kind, source: source.to_owned(), expr })
    }

    /// Returns the field that gets the value.
    pub fn field(&self) -> FieldId {
        self.field
    }

    /// Returns the source of the expression.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the value for a record at a time in microseconds since the Unix epoch; `None` if the field becomes absent.
    ///
    /// # Errors
    /// The budget's error if it is exceeded, cancelled or late.
    pub fn evaluate(
        &self,
        record: &Record,
        now: i64,
        budget: &Budget,
    ) -> Result<Result<Option<Value>, EvaluationFailure>, Error> {
        evaluate::formula(&self.expr, record, now, budget, |datum| field_conversion::to_field_value(self.kind, datum))
    }
}

impl Formulas {
    /// Compiles all formulas of a model, or returns an error for each invalid one.
    pub fn compile(scope: Scope<'_>) -> Result<Self, Vec<FormulaError>> {
        let mut errors = Vec::new();
        let mut compile = |kind: FormulaKind, formulas: &[catalog::Formula]| {
            let mut compiled = Vec::with_capacity(formulas.len());
            for formula in formulas {
                match Formula::compile(scope, kind, formula.field, &formula.source) {
                    Ok(formula) => compiled.push(formula),
                    Err(error) => errors.push(FormulaError { kind, formula: formula.clone(), error }),
                }
            }
            compiled
        };
        let defaults = compile(FormulaKind::Default, &scope.model.defaults);
        let computed = compile(FormulaKind::Computed, &scope.model.computed);
        if errors.is_empty() { Ok(Self { defaults, computed }) } else { Err(errors) }
    }
}
