//! Evaluates the formulas of a model: defaults of new records, and fields that are computed at each write.

use groundplan_budget::Budget;
use groundplan_codec::Record;
use groundplan_error::{Error, Violation};
use groundplan_expr::{EvaluationFailure, Formula, FormulaKind, Scope, limits};
use groundplan_model::catalog::{Catalog, Model};
use std::sync::Arc;

/// The maximum length of a formula in an error, in characters.
const MAX_SOURCE: usize = 80;

/// The compiled formulas of a model.
#[derive(Debug)]
pub(crate) struct Formulas(groundplan_expr::Formulas);

impl Formulas {
    /// Compiles the formulas of a model, which the apply has validated.
    ///
    /// # Errors
    /// `INTERNAL` with the invalid formulas.
    pub(crate) fn compile(catalog: &Catalog, model: &Arc<Model>) -> Result<Self, Error> {
        groundplan_expr::Formulas::compile(Scope { catalog, model }).map(Self).map_err(|invalid| {
            let messages = invalid.iter().map(|invalid| {
                let field = &model.shape().field(invalid.formula.field).name;
                format!("{}.{field}: {}", model.full_name, invalid.error)
            });
            let messages = messages.collect::<Vec<_>>().join("; ");
            Error::internal(format!("the formulas of revision {} cannot be compiled: {messages}", catalog.revision))
        })
    }

    /// Reports whether the model has no formulas.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.defaults.is_empty() && self.0.computed.is_empty()
    }

    /// Sets the defaults of fields without a value in a new record, in the order of their numbers, so that each default sees the
    /// earlier ones. A zero without presence is not a value.
    ///
    /// # Errors
    /// A violation for each default that cannot be evaluated, and `BUDGET_EXCEEDED`.
    pub(crate) fn fill_in(&self, model: &Model, record: &mut Record, now: i64, budget: &Budget) -> Result<(), Error> {
        let absent = |record: &Record, formula: &Formula| record.get(formula.field()).is_none();
        self.set(FormulaKind::Default, model, record, Evaluation { now, budget }, absent)
    }

    /// Sets the computed fields of a record, and replaces their values. All other fields must be complete.
    ///
    /// # Errors
    /// A violation for each field that cannot be computed, and `BUDGET_EXCEEDED`.
    pub(crate) fn compute(&self, model: &Model, record: &mut Record, now: i64, budget: &Budget) -> Result<(), Error> {
        self.set(FormulaKind::Computed, model, record, Evaluation { now, budget }, |_, _| true)
    }

    fn set(
        &self,
        kind: FormulaKind,
        model: &Model,
        record: &mut Record,
        Evaluation { now, budget }: Evaluation<'_>,
        is_due: impl Fn(&Record, &Formula) -> bool,
    ) -> Result<(), Error> {
        let formulas = match kind {
            FormulaKind::Default => &self.0.defaults,
            FormulaKind::Computed => &self.0.computed,
        };
        let mut violations = Vec::new();
        for formula in formulas {
            if !is_due(record, formula) {
                continue;
            }
            match formula.evaluate(record, now, budget)? {
                Ok(value) => record.set_in(model.shape(), formula.field(), value),
                Err(failure) => violations.push(violation(kind, model, formula, failure)),
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
    }
}

/// The time and the budget of an evaluation.
struct Evaluation<'a> {
    /// In microseconds since the Unix epoch.
    now: i64,
    budget: &'a Budget,
}

/// Returns the violation of a formula without a value.
fn violation(kind: FormulaKind, model: &Model, formula: &Formula, failure: EvaluationFailure) -> Violation {
    let source: Vec<&str> = formula.source().split_whitespace().collect();
    let source = limits::shortened(&source.join(" "), MAX_SOURCE);
    let (description, rule) = match kind {
        FormulaKind::Default => (format!("has no default by `{source}`: {failure}; give it a value"), "default"),
        FormulaKind::Computed => (format!("cannot be computed by `{source}`: {failure}"), "computed"),
    };
    Violation { field: model.shape().field(formula.field()).name.clone(), description, rule: rule.into() }
}
