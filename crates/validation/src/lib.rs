//! Rules for values: `buf.validate` (protovalidate) and `google.api.field_behavior = REQUIRED`.
//!
//! [`compile`] compiles all rules of a revision once, and reports invalid rules with their location in the `.proto`. Standard
//! rules become closures over the codec's values, and CEL rules become expressions of `expr`. Validation creates no dynamic
//! messages. In the tests, protovalidate's library is the oracle: both find the same violations, with the same order and text.

mod checks;
mod messages;
mod path;
mod rules;
mod source_location;
mod validator;

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
    /// Returns the violations of a record; none if it is valid.
    ///
    /// # Errors
    /// The budget's error if it is exceeded, cancelled or late; `INTERNAL` for a model of another catalog.
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
/// All invalid rules (CEL that does not parse, a pattern that is not a regular expression, rules of a type other than the
/// field's…), each with its location if known.
pub fn compile(catalog: &Catalog) -> Result<Validators, Vec<Diagnostic>> {
    let rules = Arc::new(Rules::compile(catalog, Scope::Everything)?);
    let compiled = |model: &Arc<Model>| {
        let validate: Arc<dyn Validate> = Arc::new(validator::ModelValidator::new(&rules, model.shape));
        (model.full_name.clone(), validate)
    };
    let models = catalog.models.iter().map(compiled).collect();
    Ok(Validators { models, unknown: Arc::new(Unknown), has_expressions: rules.have_expressions() })
}

impl Validators {
    /// Returns the rules of a model. Validating a model of another catalog is an internal error.
    pub fn get(&self, model: &Model) -> &Arc<dyn Validate> {
        self.models.get(&model.full_name).unwrap_or(&self.unknown)
    }

    /// Whether any model has a CEL rule, which can take long.
    pub fn have_expressions(&self) -> bool {
        self.has_expressions
    }
}

/// The rules of a model that the catalog does not have: they reject every record, so that a mistake cannot bypass validation.
struct Unknown;

impl Validate for Unknown {
    fn validate(&self, _: &Record, _: &Budget) -> Result<Vec<Violation>, Error> {
        Err(Error::internal("no rules were compiled for this model: it belongs to another catalog"))
    }
}

#[cfg(test)]
mod tests;
