//! Both implementations against tables, against each other, and against broken rules.

mod broken;
mod cases;
mod cel;
mod generate;
mod oracle;
mod oracle_models;
mod required;

use crate::library::Library;
use crate::plain::Plain;
use crate::rules::{Rules, Scope};
use crate::{Validate, diagnose};
use groundplan_codec::{Record, json};
use groundplan_error::Violation;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::{Diagnostic, Input, SourceFile, StorageNames};
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
    let source = SourceFile { path: "test/v1/test.proto".into(), content: text.into() };
    match groundplan_model::compile(Input::Files(vec![source]), &StorageNames::default()) {
        Ok(compiled) => compiled.catalog,
        Err(diagnostics) => panic!("{}", display(&diagnostics)),
    }
}

fn display(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

/// A model's rules, by both implementations.
struct Both {
    model: Arc<Model>,
    plain: Plain,
    library: Library,
    /// Whether the plain ones are all of them.
    is_plain: bool,
}

impl Both {
    fn new(catalog: &Catalog, name: &str) -> Self {
        let model = catalog.model(name).expect("the model is in the test's file");
        let everything = Arc::new(Rules::compile(catalog, Scope::Everything));
        let behaviors = Arc::new(Rules::compile(catalog, Scope::Behaviors));
        let validator = diagnose::check(catalog, &everything).unwrap_or_else(|found| panic!("{}", display(&found)));
        Self {
            model: Arc::clone(model),
            plain: Plain::new(&everything, model.shape),
            library: Library::new(catalog, model, &validator, &behaviors).expect("the model is in the pool"),
            is_plain: !everything.need_library(model.shape),
        }
    }

    /// What is wrong with a record; both must agree.
    fn find(&self, record: &Record) -> Vec<Found> {
        let library = facts(self.library.validate(record).expect("the library works"));
        if self.is_plain {
            assert_eq!(facts(self.plain.find(record)), library, "plain (left) and library (right) of {record:?}");
        }
        library
    }

    fn find_json(&self, text: &str) -> Vec<Found> {
        self.find(&self.record(text))
    }

    fn record(&self, text: &str) -> Record {
        match json::decode(&self.model.shapes, self.model.shape, text.as_bytes()) {
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
