//! Diagnostics of invalid models, with codes and locations.

use crate::support::{compile_files, file, source};

/// Returns the diagnostics of one file as `line:column CODE`. Line 1 is what [`source`] puts before the text.
fn diagnostics_of_file(text: &str) -> Vec<String> {
    diagnostics_of_files(vec![file("a/v1/a.proto", source(text))])
}

fn diagnostics_of_files(files: Vec<groundplan_model::SourceFile>) -> Vec<String> {
    let Err(diagnostics) = compile_files(files) else { return Vec::new() };
    for diagnostic in &diagnostics {
        assert!(!diagnostic.message.is_empty() && !diagnostic.help.is_empty(), "{diagnostic}");
    }
    diagnostics.iter().map(|it| format!("{}:{} {}", it.line, it.column, it.code)).collect()
}

/// Returns a model `M` with an id on line 2, and `rest` from line 3.
fn model(rest: &str) -> String {
    format!("message M {{ option (groundplan.model.v1.model) = {{}}; string id = 1;\n{rest}\n}}")
}

fn with_option(option: &str) -> String {
    format!(
        "message M {{\n  option (groundplan.model.v1.model) = {{\n{option}\n  }};\n  string id = 1; string s = 2; repeated string r = 3; \
             map<string, string> m = 4; google.protobuf.Struct j = 5; string etag = 6; google.protobuf.Timestamp t = 7;\n}}"
    )
}

/// Returns a model `M` with an option and an id on line 2, and `rest` from line 3.
fn model_with_option(option: &str, rest: &str) -> String {
    model(rest).replacen(
        "(groundplan.model.v1.model) = {}",
        &format!("(groundplan.model.v1.model) = {{ {option} }}"),
        1,
    )
}

/// Returns a field with an expression.
fn formula_field(field: &str, kind: &str) -> String {
    format!("{field} [(groundplan.model.v1.field).{kind} = \"s\"];")
}

/// Returns a field with `references`.
fn reference_field(field: &str, references: &str) -> String {
    format!("{field} [(groundplan.model.v1.field).references = {{ {references} }}];")
}

macro_rules! cases {
    ($($name:ident: $text:expr => [$($expected:literal),*];)*) => {
        $(#[test]
        fn $name() {
            let expected: &[&str] = &[$($expected),*];
            assert_eq!(diagnostics_of_file(&$text), expected);
        })*
    };
}

mod fields;
mod indexes;
mod language;
mod models;
mod references;

#[test]
fn all_diagnostics_are_reported_together() {
    let expected = [
        "2:1 ID_MISSING",
        "2:13 REST_PATH_CLASH",
        "3:1 NAME_RESERVED",
        "4:1 TYPE_NOT_SUPPORTED",
        "0:0 IMPORT_CYCLE",
        "1:22 EDITION_NOT_SUPPORTED",
    ];
    let files = vec![
        file(
            "a/v1/a.proto",
            source(
                "message M { option (groundplan.model.v1.model) = { resource: \"x\" };\nstring _x = 1;\n\
                 google.protobuf.Any y = 2; }\n\
                 message L { option (groundplan.model.v1.model) = { resource: \"x\" }; string id = 1; }",
            ),
        ),
        file("b.proto", "syntax = \"proto3\"; import \"c.proto\";"),
        file("c.proto", "syntax = \"proto3\"; import \"b.proto\";"),
        file("d.proto", "/* not yet a file */ edition = \"2023\";"),
    ];
    let mut diagnostics = diagnostics_of_files(files);
    for diagnostic in &mut diagnostics {
        if diagnostic.ends_with("IMPORT_CYCLE") {
            *diagnostic = "0:0 IMPORT_CYCLE".to_owned();
        }
    }
    assert_eq!(diagnostics, expected);
}

#[test]
fn unknown_and_cyclic_imports_have_a_location() {
    let two = |rest: &str| {
        vec![file("a.proto", format!("syntax = \"proto3\";\n{rest}")), file("a/v1/a.proto", source(&model("")))]
    };
    assert_eq!(
        diagnostics_of_files(two("import \"a/v1/b.proto\";\nimport \"x.proto\";")),
        ["2:1 IMPORT_UNKNOWN", "3:1 IMPORT_UNKNOWN"]
    );
    assert_eq!(diagnostics_of_files(two("import \"a.proto\";")), ["2:1 IMPORT_CYCLE"]);
    let diagnostics = compile_files(two("import \"a/v1/b.proto\";")).unwrap_err();
    assert!(diagnostics[0].help.contains("\"a/v1/a.proto\""), "{}", diagnostics[0]);
    assert_eq!(
        diagnostics[0].to_string(),
        format!("a.proto:2:1: IMPORT_UNKNOWN: the import \"a/v1/b.proto\" does not exist ({})", diagnostics[0].help)
    );
}

#[test]
fn errors_that_follow_from_a_broken_import_are_not_reported() {
    let files = vec![
        file("broken.proto", "syntax = \"proto3\"; message {"),
        file("uses.proto", "syntax = \"proto3\"; import \"broken.proto\"; message U { Broken b = 1; }"),
    ];
    assert_eq!(diagnostics_of_files(files), ["1:28 PROTO_SYNTAX"]);
}

#[test]
fn proto2_is_rejected_for_types_of_models() {
    let proto2 = |rest: &str| source(rest).replacen("syntax = \"proto3\"", "syntax = \"proto2\"", 1);
    let files = vec![file(
        "a/v1/a.proto",
        proto2("message M { option (groundplan.model.v1.model) = {}; optional string id = 1; }"),
    )];
    assert_eq!(diagnostics_of_files(files), ["1:1 PROTO2_NOT_SUPPORTED"]);
    let files = vec![file("a/v1/a.proto", source(&model("")).replacen("syntax = \"proto3\";", "", 1))];
    assert_eq!(diagnostics_of_files(files), ["1:1 PROTO2_NOT_SUPPORTED"], "without a syntax it does not even parse");

    let options = "syntax = \"proto2\"; package o; import \"google/protobuf/descriptor.proto\"; \
                   extend google.protobuf.FieldOptions { optional string note = 50000; } message P { optional int32 x = 1; }";
    let with_options = |rest: &str| {
        vec![file("o.proto", options), file("a/v1/a.proto", source(&format!("import \"o.proto\";\n{}", model(rest))))]
    };
    assert!(
        diagnostics_of_files(with_options("string x = 2 [(o.note) = \"n\"];")).is_empty(),
        "options of one's own are welcome"
    );
    assert_eq!(diagnostics_of_files(with_options("o.P p = 2;")), ["4:1 TYPE_NOT_SUPPORTED"]);
}

#[test]
fn the_most_similar_name_is_suggested() {
    let diagnostics = compile_files(vec![file("a/v1/a.proto", source(
        "message M { option (groundplan.model.v1.model) = { indexes: { fields: \"naem\" } }; string id = 1; string name = 2; }",
    ))])
    .unwrap_err();
    assert_eq!(diagnostics[0].help, "did you mean \"name\"?");
}

#[test]
fn the_most_similar_model_and_language_are_suggested() {
    let first_help = |text: &str| compile_files(vec![file("a/v1/a.proto", source(text))]).unwrap_err()[0].help.clone();
    let author = "message Author { option (groundplan.model.v1.model) = {}; string id = 1; }";
    let book = model(&reference_field("string author = 2", "model: \"Auhtor\""));
    assert_eq!(first_help(&format!("{author}\n{book}")), "did you mean \"Author\"?");
    let index = with_option("indexes: { fields: \"s\" method: INDEX_METHOD_SEARCH language: \"englsh\" }");
    assert!(
        first_help(&index).starts_with("did you mean \"english\"? Supported are simple, arabic"),
        "{}",
        first_help(&index)
    );
}

#[test]
fn an_id_is_suggested_with_an_unused_number() {
    let help = |fields: &str| {
        let text = format!("message M {{ option (groundplan.model.v1.model) = {{}}; {fields} }}");
        compile_files(vec![file("a/v1/a.proto", source(&text))]).unwrap_err().remove(0).help
    };
    assert!(help("").contains("`string id = 1;`"));
    assert!(help("string x = 1; reserved 2 to 4; string y = 5;").contains("`string id = 6;`"));
}
