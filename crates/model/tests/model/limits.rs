//! Limits of the input, and paths.

use crate::support::{compile_files, file, source};
use groundplan_model::{MAX_FILE_SIZE, MAX_FILES, SourceFile};
use std::fmt::Write as _;

const MODEL: &str = "message M { option (groundplan.model.v1.model) = {}; string id = 1; }";

fn codes(files: Vec<SourceFile>) -> Vec<&'static str> {
    compile_files(files).err().unwrap_or_default().iter().map(|diagnostic| diagnostic.code).collect()
}

fn with(other: SourceFile) -> Vec<SourceFile> {
    vec![file("a/v1/a.proto", source(MODEL)), other]
}

#[test]
fn input_has_limits() {
    assert_eq!(codes(Vec::new()), ["INPUT_EMPTY"]);
    let empty = |at: usize| file(&format!("f{at}.proto"), "syntax = \"proto3\";");
    assert_eq!(codes((0..=MAX_FILES).map(empty).collect()), ["FILES_TOO_MANY"]);
    let text = |size: usize| format!("syntax = \"proto3\"; //{}", " ".repeat(size - 21));
    assert!(codes(with(file("b.proto", text(MAX_FILE_SIZE)))).is_empty());
    assert_eq!(codes(with(file("b.proto", text(MAX_FILE_SIZE + 1)))), ["FILE_TOO_LARGE"]);
    assert_eq!(codes(with(file("b.proto", text(10_000_000)))), ["INPUT_TOO_LARGE"]);
}

#[test]
fn models_and_fields_have_limits() {
    let models = |count: usize| {
        let mut text = String::new();
        for at in 0..count {
            write!(text, "message M{at} {{ option (groundplan.model.v1.model) = {{}}; string id = 1; }}").unwrap();
        }
        codes(vec![file("a/v1/a.proto", source(&text))])
    };
    assert!(models(500).is_empty());
    assert_eq!(models(501), ["MODELS_TOO_MANY"]);
    let fields = |count: usize| {
        let mut text = "message M { option (groundplan.model.v1.model) = {}; string id = 1;".to_owned();
        for number in 2..=count {
            write!(text, "string f{number} = {number};").unwrap();
        }
        codes(vec![file("a/v1/a.proto", source(&format!("{text} }}")))])
    };
    assert!(fields(500).is_empty());
    assert_eq!(fields(501), ["FIELDS_TOO_MANY"]);
}

#[test]
fn a_chain_of_a_thousand_imports_is_allowed() {
    let mut files: Vec<SourceFile> = (1..MAX_FILES)
        .map(|at| file(&format!("f{at}.proto"), format!("syntax = \"proto3\"; import \"f{}.proto\";", at - 1)))
        .collect();
    files.push(file("f0.proto", source(MODEL)));
    assert!(codes(files).is_empty());
}

#[test]
fn paths_are_relative_and_plain() {
    let long = format!("{}.proto", "a".repeat(600));
    for path in [
        "/a.proto",
        "../a.proto",
        "a/../b.proto",
        "a//b.proto",
        "./a.proto",
        "a.txt",
        "",
        "a\\b.proto",
        "a\"b.proto",
        "a\nb.proto",
        &long,
    ] {
        assert_eq!(codes(with(file(path, "syntax = \"proto3\";"))), ["PATH_INVALID"], "{path:?}");
    }
    assert_eq!(codes(with(file("a/v1/a.proto", source(MODEL)))), ["FILE_TWICE"]);
    assert_eq!(codes(with(file("a/v1/m_service.proto", "syntax = \"proto3\"; package a.v1;"))), ["DERIVED_FILE_CLASH"]);
}

#[test]
fn uploaded_bundled_files_are_ignored() {
    assert!(codes(with(file("buf/validate/validate.proto", "not even protobuf"))).is_empty());
}

#[test]
fn packages_become_schemas() {
    let package = |name: &str| {
        let text = source(MODEL).replacen("package a.v1;", if name.is_empty() { "" } else { "PACKAGE" }, 1);
        text.replacen("PACKAGE", &format!("package {name};"), 1)
    };
    let one = |name: &str| codes(vec![file("a.proto", package(name))]);
    assert_eq!(one(""), ["PACKAGE_MISSING"]);
    for reserved in [
        "google.protobuf",
        "buf.validate.x",
        "groundplan",
        "groundplan.records.v1",
        "groundplan_schema",
        "pg_x",
        "pg.x",
        "public",
        "information_schema",
        "information.schema",
    ] {
        assert_eq!(one(reserved), ["PACKAGE_RESERVED"], "{reserved}");
    }
    assert_eq!(one(&"a".repeat(64)), ["NAME_TOO_LONG"]);
    let two = vec![file("a.proto", package("a.b.v1")), file("b.proto", package("a_b.v1").replace("MODEL", "N"))];
    assert_eq!(codes(two), ["SCHEMA_CLASH", "REST_PATH_CLASH"]);
}
