//! Formulas: the values that fields get by expressions over the record that is being written.

use crate::ir::Expr;
use crate::purpose::FormulaKind;
use crate::{EvaluationFailure, ExprError, Scope, check, evaluate, field_conversion};
use groundplan_budget::Budget;
use groundplan_codec::{Record, Value};
use groundplan_error::Error;
use groundplan_model::catalog;
use groundplan_model::shape::{FieldId, Kind};

/// The value of a field, by an expression over the model's other fields. No other record is read.
#[derive(Clone, Debug)]
pub struct Formula {
    field: FieldId,
    kind: Kind,
    source: String,
    expr: Expr,
}

/// A formula that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormulaError {
    pub kind: FormulaKind,
    pub formula: catalog::Formula,
    pub error: ExprError,
}

/// The formulas of a model, each list in the order of the fields' numbers.
#[derive(Clone, Debug, Default)]
pub struct Formulas {
    /// What fields without a value get at creation. Each sees those before it.
    pub defaults: Vec<Formula>,
    /// What fields are at each write. None reads another.
    pub computed: Vec<Formula>,
}

impl Formula {
    /// Parses and checks `source`, whose value must be one of the field.
    pub fn compile(scope: Scope<'_>, kind: FormulaKind, field: FieldId, source: &str) -> Result<Self, ExprError> {
        let expr = check::formula(scope, kind, field, source)?;
        let kind = scope.model.shape().field(field).kind;
        Ok(Self { field, kind, source: source.to_owned(), expr })
    }

    /// The field that gets the value.
    pub fn field(&self) -> FieldId {
        self.field
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The value for a record at a time in microseconds since the Unix epoch; none if the field is to be absent.
    ///
    /// # Errors
    /// The budget's refusal: it is used up, cancelled or late.
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
    /// Compiles all formulas of a model, or says of each one that is wrong what is.
    pub fn compile(scope: Scope<'_>) -> Result<Self, Vec<FormulaError>> {
        let mut refused = Vec::new();
        let mut compile = |kind: FormulaKind, formulas: &[catalog::Formula]| {
            let mut compiled = Vec::with_capacity(formulas.len());
            for formula in formulas {
                match Formula::compile(scope, kind, formula.field, &formula.source) {
                    Ok(right) => compiled.push(right),
                    Err(error) => refused.push(FormulaError { kind, formula: formula.clone(), error }),
                }
            }
            compiled
        };
        let defaults = compile(FormulaKind::Default, &scope.model.defaults);
        let computed = compile(FormulaKind::Computed, &scope.model.computed);
        if refused.is_empty() { Ok(Self { defaults, computed }) } else { Err(refused) }
    }
}
