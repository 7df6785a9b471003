//! Helpers for the tests.

use groundplan_model::{Catalog, Compiled, Diagnostic, Input, Plan, SourceFile, StorageNames, compile};
use std::path::{Path, PathBuf};

/// Reads the files of an example, as `groundplan apply examples/` uploads them.
pub(crate) fn example(paths: &[&str]) -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    paths
        .iter()
        .map(|path| SourceFile {
            path: (*path).to_owned(),
            content: std::fs::read_to_string(folder.join(path)).unwrap(),
        })
        .collect()
}

pub(crate) const ENTITY: &[&str] = &["example/v1/entity.proto"];
pub(crate) const LIBRARY: &[&str] =
    &["library/v1/author.proto", "library/v1/book.proto", "library/v1/publisher.proto", "library/v1/shelf.proto"];

pub(crate) fn file(path: &str, content: impl Into<String>) -> SourceFile {
    SourceFile { path: path.to_owned(), content: content.into() }
}

pub(crate) fn compile_files(files: Vec<SourceFile>) -> Result<Compiled, Vec<Diagnostic>> {
    compile(Input::Files(files), &StorageNames::default())
}

/// Returns a proto3 file of package `a.v1` with common imports on its first line, so that line numbers are easy to
/// count.
pub(crate) fn source(rest: &str) -> String {
    format!(
        "syntax = \"proto3\"; package a.v1; import \"groundplan/model/v1/model.proto\"; import \"google/protobuf/timestamp.proto\"; \
         import \"google/protobuf/any.proto\"; import \"google/protobuf/api.proto\"; import \"google/protobuf/struct.proto\"; \
         import \"google/api/field_behavior.proto\"; import \"buf/validate/validate.proto\"; \
         import \"google/protobuf/duration.proto\"; import \"google/protobuf/wrappers.proto\"; \
         import \"google/protobuf/field_mask.proto\"; import \"google/protobuf/empty.proto\";\n{rest}"
    )
}

/// Compiles one valid file.
pub(crate) fn catalog(rest: &str) -> Catalog {
    let compiled = compile_files(vec![file("a/v1/a.proto", source(rest))]);
    compiled.unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}")).catalog
}

/// Compares a text with a file of `tests/golden`. On a difference, the message names a file with the actual text.
pub(crate) fn assert_golden(name: &str, actual: &str) {
    let expected_at = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let expected = std::fs::read_to_string(&expected_at).unwrap_or_default();
    if expected != actual {
        let actual_at: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(actual_at.parent().unwrap()).unwrap();
        std::fs::write(&actual_at, actual).unwrap();
        panic!("{} differs; to accept it:\ncp {} {}", name, actual_at.display(), expected_at.display());
    }
}

/// Renders a plan as text: each step with its SQL.
pub(crate) fn sql(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        text.push_str(&format!("-- {:?} {}: {}\n", step.kind, step.subject, step.description));
        for statement in &step.statements {
            text.push_str(&format!("{};\n", statement.sql));
        }
        text.push('\n');
    }
    text
}
