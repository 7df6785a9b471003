//! Rules against tables, against protovalidate's own library, and broken rules.

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

use crate::plain::Plain;
use crate::rules::{Rules, Scope};
use crate::wording;
use groundplan_budget::Budget;
use groundplan_codec::{Record, json};
use groundplan_error::Violation;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::{Diagnostic, Input, SourceFile, StorageNames};
use library::Library;
use prost_protovalidate::Validator;
use std::sync::Arc;

/// Field, rule and description.
type Found = (String, String, String);

/// A file around the text of messages.
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

/// A model `Thing` with these fields besides its id, whose number is 1.
fn thing(fields: &str) -> String {
    file(&format!("message Thing {{\noption (groundplan.model.v1.model) = {{}};\nstring id = 1;\n{fields}\n}}"))
}

/// The catalog of one file.
fn catalog(text: &str) -> Catalog {
    catalog_of(&[("test/v1/test.proto", text)])
}

/// The catalog of files, each a path and a text.
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
            Err(found) => panic!("{}", display(&found)),
        };
        let (everything, behaviors) = (compile(Scope::Everything), compile(Scope::Behaviors));
        Self { everything, behaviors, validator: library::validator(catalog) }
    }

    fn both(&self, catalog: &Catalog, name: &str) -> Both {
        let model = catalog.model(name).expect("the model is in the test's file");
        let library = Library::new(catalog, model, &self.validator, &self.behaviors);
        Both {
            model: Arc::clone(model),
            plain: Plain::new(&self.everything, model.shape),
            library: library.expect("the model is in the pool"),
        }
    }
}

/// A model's rules, and the oracle's.
struct Both {
    model: Arc<Model>,
    plain: Plain,
    library: Library,
}

impl Both {
    fn new(catalog: &Catalog, name: &str) -> Self {
        Compiled::new(catalog).both(catalog, name)
    }

    /// What is wrong with a record; the oracle must agree.
    fn find(&self, record: &Record) -> Vec<Found> {
        let found = facts(self.plain.find(record, &Budget::default()).expect("the budget is enough"));
        let (oracle, is_ordered) = self.library.validate(record);
        let mut oracle = facts(oracle);
        let is_unchecked = |found: &[Found]| found.iter().any(|(_, rule, _)| rule == wording::NOT_CHECKED);
        // The oracle stops at the first rule that fails.
        if is_unchecked(&oracle) && is_unchecked(&found) {
            return found;
        }
        let mut ours = found.clone();
        if !is_ordered {
            ours.sort();
            oracle.sort();
        }
        assert_eq!(ours, oracle, "ours (left) and the oracle's (right) of {record:?}");
        found
    }

    fn find_json(&self, text: &str) -> Vec<Found> {
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

fn facts(violations: Vec<Violation>) -> Vec<Found> {
    violations.into_iter().map(|found| (found.field, found.rule.into_owned(), found.description)).collect()
}

/// Compiles a `Thing` of these fields, and finds what is wrong with the JSON.
fn judge(fields: &str, json: &str) -> Vec<Found> {
    Both::new(&catalog(&thing(fields)), "test.v1.Thing").find_json(json)
}

fn found(facts: &[(&str, &str, &str)]) -> Vec<Found> {
    facts.iter().map(|(field, rule, words)| ((*field).into(), (*rule).into(), (*words).into())).collect()
}
