//! Files that cannot be linked: how many are tried, how long that takes, and how errors are explained.

use crate::support::{compile_files, file, source};
use groundplan_budget::{Budget, DEFAULT};
use groundplan_error::Reason;
use groundplan_model::{CompileError, Compiler, Diagnostic, Input, SourceFile, StorageNames};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

fn compile_errors(files: Vec<SourceFile>) -> Vec<Diagnostic> {
    compile_files(files).err().unwrap_or_default()
}

/// Returns the diagnostics of one file as `line message (help)`.
fn diagnostics_of(text: &str) -> Vec<String> {
    compile_errors(vec![file("a/v1/a.proto", text)])
        .iter()
        .map(|it| format!("{} {} ({})", it.line, it.message, it.help))
        .collect()
}

/// Returns large valid files with invalid ones between them, in the order of their paths.
fn good_and_bad(count: usize, messages: usize, bad_text: &str) -> Vec<SourceFile> {
    let mut files = Vec::new();
    for at in 0..count {
        let mut text = format!("syntax = \"proto3\"; package p{at}.v1;\n");
        for message in 0..messages {
            write!(text, "message M{message} {{ ").unwrap();
            for field in 1..=12 {
                write!(text, "string f{field} = {field}; ").unwrap();
            }
            text.push_str("}\n");
        }
        files.push(file(&format!("f{at}_a.proto"), text));
        files.push(file(&format!("f{at}_b.proto"), bad_text.replace("{}", &at.to_string())));
    }
    files
}

#[test]
fn files_that_cannot_be_linked_are_as_cheap_as_others() {
    let started = Instant::now();
    let alone: Vec<SourceFile> =
        good_and_bad(100, 30, "").into_iter().filter(|file| file.path.ends_with("a.proto")).collect();
    assert_eq!(compile_errors(alone).iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), ["NO_MODELS"]);
    let good = started.elapsed();
    let started = Instant::now();
    let bad = good_and_bad(100, 30, "syntax = \"proto3\"; package q{}.v1; message B { Nope x = 1; }");
    let diagnostics = compile_errors(bad);
    // Rebuilding the pool for each of them took a hundred times as long.
    assert!(started.elapsed() < good * 4 + Duration::from_secs(2), "{:?} after {good:?}", started.elapsed());
    let nope = diagnostics.iter().filter(|diagnostic| diagnostic.message == "`Nope` is not defined").count();
    let rest = diagnostics.iter().filter(|diagnostic| diagnostic.message.contains("were skipped")).count();
    assert_eq!((nope, rest, diagnostics.len()), (20, 1, 21));
}

#[test]
fn a_rejected_file_leaves_no_extensions() {
    let bad = "syntax = \"proto3\"; package q{}.v1; import \"google/protobuf/descriptor.proto\"; \
               extend google.protobuf.FieldOptions { string x{} = 5000{}; } message B { Nope x = 1; }";
    let mut files = good_and_bad(5, 3, bad);
    let options = "syntax = \"proto3\"; package z.v1; import \"google/protobuf/descriptor.proto\"; \
                   extend google.protobuf.FieldOptions { string z = 50001; } message Z { int32 z = 1 [(z) = \"text\"]; }";
    files.push(file("z.proto", options));
    let diagnostics = compile_errors(files);
    assert_eq!(
        diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect::<Vec<_>>(),
        ["`Nope` is not defined"; 5]
    );
}

#[test]
fn many_errors_of_one_file_are_counted_quickly() {
    let mut text = "syntax = \"proto3\"; package a.v1;\nmessage M {\n".to_owned();
    for number in 1..=3_000 {
        writeln!(text, "N{number} f{number} = {number};").unwrap();
    }
    text.push('}');
    let started = Instant::now();
    let diagnostics = compile_errors(vec![file("a.proto", text)]);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(diagnostics.len(), 501);
    assert_eq!(diagnostics.last().map(|last| last.code), Some("DIAGNOSTICS_TOO_MANY"));
}

#[test]
fn an_exhausted_budget_stops_the_work() {
    let files = || Input::Files(good_and_bad(20, 5, "syntax = \"proto3\";"));
    let names = StorageNames::default();
    let stopped = |budget: &Budget| match (Compiler { storage_names: &names, live: None, budget }).compile(files()) {
        Err(CompileError::Stopped(error)) => error.reason(),
        other => panic!("{other:?}"),
    };
    let cancelled = Budget::default();
    drop(cancelled.cancel_on_drop());
    assert_eq!(stopped(&cancelled), Reason::Cancelled);
    assert_eq!(stopped(&Budget::new(DEFAULT, Some(Instant::now()))), Reason::DeadlineExceeded);
}

#[test]
fn a_missing_import_suggests_its_line() {
    const START: &str = "syntax = \"proto3\";\npackage a.v1;\n";
    for (text, expected) in [
        (
            "message M { option (groundplan.model.v1.model) = {}; }",
            "3 `groundplan.model.v1.model` is not defined (add `import \"groundplan/model/v1/model.proto\";`)",
        ),
        (
            "message M { string x = 1 [(buf.validate.field).string.min_len = 1]; }",
            "3 `buf.validate.field` is not defined (add `import \"buf/validate/validate.proto\";`)",
        ),
        (
            "message M { string x = 1 [(google.api.field_behavior) = REQUIRED]; }",
            "3 `google.api.field_behavior` is not defined (add `import \"google/api/field_behavior.proto\";`)",
        ),
        (
            "message M { google.protobuf.Timestamp x = 1; }",
            "3 `google.protobuf.Timestamp` is not defined (add `import \"google/protobuf/timestamp.proto\";`)",
        ),
        (
            "message M { Timestamp x = 1; }",
            "3 `Timestamp` is not defined (write `google.protobuf.Timestamp`, and add \
             `import \"google/protobuf/timestamp.proto\";`)",
        ),
        (
            "message M { map<string, .google.protobuf.Duration> x = 1; }",
            "3 `google.protobuf.Duration` is not defined (add `import \"google/protobuf/duration.proto\";`)",
        ),
        (
            "message M { Inner x = 1; message N { message Inner { } } }",
            "3 `Inner` is not defined (write `a.v1.M.N.Inner`)",
        ),
        (
            "message M { Mm x = 1; } message Mmm { }",
            "3 `Mm` is not defined (did you mean `a.v1.Mmm`? Write `a.v1.Mmm`)",
        ),
        (
            "message M { google.type.Money x = 1; }",
            "3 `google.type.Money` is not defined (\"google/type/money.proto\" is not bundled; copy it from \
             https://github.com/googleapis/googleapis into the applied folder, and import it)",
        ),
    ] {
        assert_eq!(diagnostics_of(&format!("{START}{text}")), [expected], "{text}");
    }
}

#[test]
fn a_missing_import_is_found_in_any_order_of_files() {
    for (other, user) in [("a.proto", "b.proto"), ("b.proto", "a.proto")] {
        let files = vec![
            file(other, "syntax = \"proto3\"; package x.v1; message Other { }"),
            file(user, "syntax = \"proto3\"; package y.v1; message M { x.v1.Other o = 1; }"),
        ];
        let diagnostics = compile_errors(files);
        assert_eq!(diagnostics.len(), 1);
        assert_eq!(diagnostics[0].help, format!("add `import {other:?};`"));
    }
}

#[test]
fn an_unknown_import_is_explained() {
    let diagnostic = |import: &str| diagnostics_of(&format!("syntax = \"proto3\";\nimport \"{import}\";")).remove(0);
    assert_eq!(
        diagnostic("google/type/money.proto"),
        "2 the import \"google/type/money.proto\" does not exist (it is not bundled; copy it from \
         https://github.com/googleapis/googleapis into the applied folder)"
    );
    assert!(
        diagnostic("google/protobuf/timestamps.proto").contains("did you mean \"google/protobuf/timestamp.proto\"?")
    );
    assert!(diagnostic("model.proto").contains("did you mean \"groundplan/model/v1/model.proto\"?"));
    assert!(diagnostic("other/thing.proto").contains("upload it too"));
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let text = format!("\u{feff}{}", source("message M { option (groundplan.model.v1.model) = {}; string id = 1; }"));
    assert_eq!(compile_errors(vec![file("a/v1/a.proto", text)]), []);
}
