//! Compiling rules repeatedly does not leak memory.

#![expect(clippy::panic, clippy::expect_used, reason = "in tests, a panic is how to fail")]

use groundplan_model::{Catalog, Diagnostic, Input, SourceFile, StorageNames};
use groundplan_validation::compile;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Serializes the tests, which measure the memory of the process.
static ALONE: Mutex<()> = Mutex::new(());

/// How often each catalog is compiled.
const TIMES: usize = 1_000;

/// The maximum growth of the process in bytes.
const GROWTH: usize = 20 << 20;

/// Returns the resident bytes of this process.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    let pages: usize = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("pages");
    pages * 4_096
}

fn display(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

fn catalog(files: Vec<SourceFile>) -> Catalog {
    let compiled = groundplan_model::compile(Input::Files(files), &StorageNames::default());
    compiled.unwrap_or_else(|diagnostics| panic!("{}", display(&diagnostics))).catalog
}

fn grows_little(files: Vec<SourceFile>) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let catalog = catalog(files);
    let compile = || drop(compile(&catalog).unwrap_or_else(|diagnostics| panic!("{}", display(&diagnostics))));
    // Warm up static tables and the allocator.
    for _ in 0..20 {
        compile();
    }
    let before = resident();
    for _ in 0..TIMES {
        compile();
    }
    let growth = resident().saturating_sub(before);
    assert!(growth < GROWTH, "{growth} bytes more after {TIMES} times");
}

/// The models of the library example: recursive, and with rules in CEL.
#[test]
fn the_library_example_compiles_in_the_same_memory() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/library");
    let mut files = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("the example is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                let name = path.strip_prefix(&folder).expect("below").to_string_lossy().into_owned();
                files.push(SourceFile { path: name, content: std::fs::read_to_string(&path).expect("text") });
            }
        }
    }
    assert!(!files.is_empty());
    grows_little(files);
}

#[test]
fn many_rules_compile_in_the_same_memory() {
    let models: String = (0..4)
        .map(|at| {
            format!(
                "message M{at} {{ option (groundplan.model.v1.model) = {{}}; string id = 1; repeated int32 a = 2; M{at}Part part = 3;\n\
                 option (buf.validate.message).cel = {{id: \"all\" expression: \"this.a.all(x, x > {at}) || this.part.name.matches('^[a-z]{{{at}}}')\"}};\n\
                 option (buf.validate.message).cel = {{id: \"sum\" expression: \"this.a.map(x, x + {at}).unique()\"}}; }}\n\
                 message M{at}Part {{ string name = 1 [(buf.validate.field).cel_expression = \"this.size() < {at}\"]; M{at}Part part = 2; }}\n"
            )
        })
        .collect();
    let content = format!(
        "syntax = \"proto3\";\npackage test.v1;\nimport \"buf/validate/validate.proto\";\n\
         import \"groundplan/model/v1/model.proto\";\n{models}"
    );
    grows_little(vec![SourceFile { path: "test/v1/test.proto".into(), content }]);
}
