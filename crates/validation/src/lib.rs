//! Rules for values: `buf.validate` (protovalidate) and `google.api.field_behavior = REQUIRED`.
//!
//! Everything is compiled once a revision, by [`compile`], which reports broken rules with their place in the `.proto`.
//! Behind [`Validate`] stand two implementations. A model whose rules are all standard ones is checked by `plain`:
//! closures over the codec's values, no dynamic message. A model that can reach a rule written in CEL is checked by
//! `library`, which is prost-protovalidate over a dynamic message. Both find the same violations, in the same order and
//! words; the library is the oracle in the tests.

mod checks;
mod diagnose;
mod expression;
mod library;
mod order;
mod path;
mod place;
mod plain;
mod rules;
mod wording;

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
    /// Only failures that are ours.
    fn validate(&self, record: &Record) -> Result<Vec<Violation>, Error>;
}

/// The rules of all models of a catalog.
pub struct Validators {
    models: HashMap<String, Compiled>,
    unknown: Arc<dyn Validate>,
}

/// The rules of one model, and who checks them.
struct Compiled {
    validate: Arc<dyn Validate>,
    by_library: bool,
}

/// Compiles the rules of every model in the catalog.
///
/// # Errors
/// All rules that are broken (CEL that does not parse, a pattern that is no regular expression, rules of another type
/// than the field's…), each with its place where that is known.
pub fn compile(catalog: &Catalog) -> Result<Validators, Vec<Diagnostic>> {
    let everything = Arc::new(Rules::compile(catalog, Scope::Everything));
    let validator = diagnose::check(catalog, &everything)?;
    let behaviors = Arc::new(Rules::compile(catalog, Scope::Behaviors));
    let unknown: Arc<dyn Validate> = Arc::new(Unknown);
    let mut models = HashMap::new();
    for model in &catalog.models {
        let by_library = everything.need_library(model.shape);
        let validate: Arc<dyn Validate> = if by_library {
            match library::Library::new(catalog, model, &validator, &behaviors) {
                Some(library) => Arc::new(library),
                None => Arc::clone(&unknown),
            }
        } else {
            Arc::new(plain::Plain::new(&everything, model.shape))
        };
        models.insert(model.full_name.clone(), Compiled { validate, by_library });
    }
    Ok(Validators { models, unknown })
}

impl Validators {
    /// The rules of a model. A model of another catalog has none here; validating against them is an internal error.
    pub fn get(&self, model: &Model) -> &Arc<dyn Validate> {
        self.models.get(&model.full_name).map_or(&self.unknown, |compiled| &compiled.validate)
    }

    /// Whether a model has a rule that only the library can check, which takes a dynamic message for each record.
    pub fn uses_library(&self, model: &Model) -> bool {
        self.models.get(&model.full_name).is_some_and(|compiled| compiled.by_library)
    }
}

/// Stands for the rules of a model that the catalog does not have, so that a mistake refuses instead of letting through.
struct Unknown;

impl Validate for Unknown {
    fn validate(&self, _: &Record) -> Result<Vec<Violation>, Error> {
        Err(Error::internal("no rules were compiled for this model: it is not of the validators' catalog"))
    }
}

#[cfg(test)]
mod tests;
