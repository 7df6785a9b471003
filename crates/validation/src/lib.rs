//! Rules for values: `buf.validate` (protovalidate) and `google.api.field_behavior = REQUIRED`.
//!
//! Everything is compiled once a revision, by [`compile`], which reports broken rules with their place in the `.proto`:
//! standard rules become closures over the codec's values, rules in CEL become expressions of `expr`. No dynamic message is
//! made. In the tests, protovalidate's own library is the oracle: both find the same violations, in the same order and words.

mod checks;
mod path;
mod place;
mod plain;
mod rules;
mod wording;

use groundplan_budget::Budget;
use groundplan_codec::Record;
use groundplan_error::{Error, Violation};
use groundplan_model::Diagnostic;
use groundplan_model::catalog::{Catalog, Model};
use rules::{Rules, Scope};
use std::collections::HashMap;
use std::sync::Arc;

/// The code of all diagnostics about rules.
pub const RULE_INVALID: &str = "RULE_INVALID";

/// The rules of one model.
pub trait Validate: Send + Sync {
    /// Finds what breaks the rules; nothing means that the record is valid.
    ///
    /// # Errors
    /// The budget's refusal: it is used up, cancelled or late. Otherwise only failures that are ours.
    fn validate(&self, record: &Record, budget: &Budget) -> Result<Vec<Violation>, Error>;
}

/// The rules of all models of a catalog.
pub struct Validators {
    models: HashMap<String, Arc<dyn Validate>>,
    unknown: Arc<dyn Validate>,
    has_expressions: bool,
}

/// Compiles the rules of every model in the catalog.
///
/// # Errors
/// All rules that are broken (CEL that does not parse, a pattern that is no regular expression, rules of another type
/// than the field's…), each with its place where that is known.
pub fn compile(catalog: &Catalog) -> Result<Validators, Vec<Diagnostic>> {
    let rules = Arc::new(Rules::compile(catalog, Scope::Everything)?);
    let compiled = |model: &Arc<Model>| {
        let validate: Arc<dyn Validate> = Arc::new(plain::Plain::new(&rules, model.shape));
        (model.full_name.clone(), validate)
    };
    let models = catalog.models.iter().map(compiled).collect();
    Ok(Validators { models, unknown: Arc::new(Unknown), has_expressions: rules.have_expressions() })
}

impl Validators {
    /// The rules of a model. A model of another catalog has none here; validating against them is an internal error.
    pub fn get(&self, model: &Model) -> &Arc<dyn Validate> {
        self.models.get(&model.full_name).unwrap_or(&self.unknown)
    }

    /// Whether any of the models has a rule in CEL, which can take long.
    pub fn have_expressions(&self) -> bool {
        self.has_expressions
    }
}

/// Stands for the rules of a model that the catalog does not have, so that a mistake refuses instead of letting through.
struct Unknown;

impl Validate for Unknown {
    fn validate(&self, _: &Record, _: &Budget) -> Result<Vec<Violation>, Error> {
        Err(Error::internal("no rules were compiled for this model: it is not of the validators' catalog"))
    }
}

#[cfg(test)]
mod tests;
