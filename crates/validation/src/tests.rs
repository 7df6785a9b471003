//! Tests of rules: tables, protovalidate's library as the oracle, and invalid rules.

mod broken;
mod cases;
mod cel;
mod differential;
mod expressions;
mod generate;
mod library;
mod oracle;
mod oracle_models;
mod order;
mod required;
mod steps;

use crate::messages;
use crate::rules::{Rules, Scope};
use crate::validator::ModelValidator;
use groundplan_budget::Budget;
use groundplan_codec::{Record, json};
use groundplan_error::Violation;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::{Diagnostic, Input, SourceFile, StorageNames};
use library::Library;
use prost_protovalidate::Validator;
use std::sync::Arc;

/// Field, rule and description.
type Facts = (String, String, String);

/// Returns a `.proto` file with these messages.
fn file(text: &str) -> String {
    format!(
        "syntax = \"proto3\";\npackage test.v1;\n\
         import \"buf/validate/validate.proto\";\nimport \"google/api/field_behavior.proto\";\n\
         import \"google/protobuf/duration.proto\";\nimport \"google/protobuf/empty.proto\";\n\
         import \"google/protobuf/field_mask.proto\";\nimport \"google/protobuf/struct.proto\";\n\
         import \"google/protobuf/timestamp.proto\";\nimport \"google/protobuf/wrappers.proto\";\n\
         import \"groundplan/model/v1/model.proto\";\n{text}\n"
    )
}

/// Returns a file with a model `Thing` that has these fields after its id, field 1.
fn thing(fields: &str) -> String {
    file(&format!("message Thing {{\noption (groundplan.model.v1.model) = {{}};\nstring id = 1;\n{fields}\n}}"))
}

/// Compiles the catalog of one file.
fn catalog(text: &str) -> Catalog {
    catalog_of(&[("test/v1/test.proto", text)])
}

/// Compiles the catalog of files, each a path and a text.
fn catalog_of(files: &[(&str, &str)]) -> Catalog {
    let source = |(path, content): &(&str, &str)| SourceFile { path: (*path).into(), content: (*content).into() };
    let files = files.iter().map(source).collect();
    match groundplan_model::compile(Input::Files(files), &StorageNames::default()) {
        Ok(compiled) => compiled.catalog,
        Err(diagnostics) => panic!("{}", display(&diagnostics)),
    }
}

fn display(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

/// The rules of a catalog, and the oracle.
struct Compiled {
    everything: Arc<Rules>,
    behaviors: Arc<Rules>,
    validator: Arc<Validator>,
}

impl Compiled {
    fn new(catalog: &Catalog) -> Self {
        let compile = |scope| match Rules::compile(catalog, scope) {
            Ok(rules) => Arc::new(rules),
            Err(diagnostics) => panic!("{}", display(&diagnostics)),
        };
        let (everything, behaviors) = (compile(Scope::Everything), compile(Scope::Behaviors));
        Self { everything, behaviors, validator: library::validator(catalog) }
    }

    fn both(&self, catalog: &Catalog, name: &str) -> Both {
        let model = catalog.model(name).expect("the model is in the test's file");
        let library = Library::new(catalog, model, &self.validator, &self.behaviors);
        Both {
            model: Arc::clone(model),
            validator: ModelValidator::new(&self.everything, model.shape),
            library: library.expect("the model is in the pool"),
        }
    }
}

/// A model's rules, and the oracle's.
struct Both {
    model: Arc<Model>,
    validator: ModelValidator,
    library: Library,
}

impl Both {
    fn new(catalog: &Catalog, name: &str) -> Self {
        Compiled::new(catalog).both(catalog, name)
    }

    /// Returns the violations of a record; the oracle must agree.
    fn find(&self, record: &Record) -> Vec<Facts> {
        let violations = facts(self.validator.find(record, &Budget::default()).expect("the budget is enough"));
        let (oracle, is_ordered) = self.library.validate(record);
        let mut oracle = facts(oracle);
        let is_unchecked = |violations: &[Facts]| violations.iter().any(|(_, rule, _)| rule == messages::NOT_CHECKED);
        // The oracle stops at the first rule that it cannot evaluate.
        if is_unchecked(&oracle) && is_unchecked(&violations) {
            return violations;
        }
        let mut ours = violations.clone();
        if !is_ordered {
            ours.sort();
            oracle.sort();
        }
        assert_eq!(ours, oracle, "ours (left) and the oracle's (right) of {record:?}");
        violations
    }

    fn find_json(&self, text: &str) -> Vec<Facts> {
        self.find(&self.record(text))
    }

    fn record(&self, text: &str) -> Record {
        match json::decode(&self.model.shapes, self.model.shape, text.as_bytes(), &groundplan_budget::Budget::default())
        {
            Ok(decoded) => decoded.record,
            Err(error) => panic!("{text}: {error:?}"),
        }
    }
}

fn facts(violations: Vec<Violation>) -> Vec<Facts> {
    violations
        .into_iter()
        .map(|violation| (violation.field, violation.rule.into_owned(), violation.description))
        .collect()
}

/// Compiles a `Thing` with these fields, and returns the violations of the JSON.
fn validate_json(fields: &str, json: &str) -> Vec<Facts> {
    Both::new(&catalog(&thing(fields)), "test.v1.Thing").find_json(json)
}

fn owned_facts(facts: &[(&str, &str, &str)]) -> Vec<Facts> {
    facts.iter().map(|(field, rule, text)| ((*field).into(), (*rule).into(), (*text).into())).collect()
}
