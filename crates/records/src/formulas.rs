//! The formulas of a model at work: what fields get when a record is created, and what the server computes at each write.

use groundplan_budget::Budget;
use groundplan_codec::Record;
use groundplan_error::{Error, Violation};
use groundplan_expr::{EvaluationFailure, Formula, FormulaKind, Scope, limits};
use groundplan_model::catalog::{Catalog, Model};
use std::sync::Arc;

/// How much of a formula a refusal shows, in characters.
const SHOWN: usize = 80;

/// The formulas of a model, compiled.
#[derive(Debug)]
pub(crate) struct Formulas(groundplan_expr::Formulas);

impl Formulas {
    /// Compiles what was found to be right when it was applied.
    pub(crate) fn compile(catalog: &Catalog, model: &Arc<Model>) -> Result<Self, Error> {
        groundplan_expr::Formulas::compile(Scope { catalog, model }).map(Self).map_err(|refused| {
            let words = refused.iter().map(|refused| {
                let field = &model.shape().field(refused.formula.field).name;
                format!("{}.{field}: {}", model.full_name, refused.error)
            });
            let words = words.collect::<Vec<_>>().join("; ");
            Error::internal(format!("the formulas of revision {} cannot be compiled: {words}", catalog.revision))
        })
    }

    /// Whether the model has none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.defaults.is_empty() && self.0.computed.is_empty()
    }

    /// Gives fields of a new record that have no value their defaults, in the order of their numbers: each sees those before
    /// it. A zero without presence is no value.
    pub(crate) fn fill_in(&self, model: &Model, record: &mut Record, now: i64, budget: &Budget) -> Result<(), Error> {
        let absent = |record: &Record, formula: &Formula| record.get(formula.field()).is_none();
        self.set(FormulaKind::Default, model, record, (now, budget), absent)
    }

    /// Computes what is computed, whatever the record has there. All else of the record is complete.
    pub(crate) fn compute(&self, model: &Model, record: &mut Record, now: i64, budget: &Budget) -> Result<(), Error> {
        self.set(FormulaKind::Computed, model, record, (now, budget), |_, _| true)
    }

    fn set(
        &self,
        kind: FormulaKind,
        model: &Model,
        record: &mut Record,
        (now, budget): (i64, &Budget),
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

/// The refusal of a record for which a formula has no value.
fn violation(kind: FormulaKind, model: &Model, formula: &Formula, failure: EvaluationFailure) -> Violation {
    let source: Vec<&str> = formula.source().split_whitespace().collect();
    let source = limits::shortened(&source.join(" "), SHOWN);
    let (description, rule) = match kind {
        FormulaKind::Default => (format!("has no default by `{source}`: {failure}; give it a value"), "default"),
        FormulaKind::Computed => (format!("cannot be computed by `{source}`: {failure}"), "computed"),
    };
    Violation { field: model.shape().field(formula.field()).name.clone(), description, rule: rule.into() }
}
