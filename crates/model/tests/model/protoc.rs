//! Compares the compiler with protoc for a table of small files.

use crate::support::{compile_files, file};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files that protoc rejects, by their error. `{}` stands for `syntax = "proto3"; package a.v1;`.
const REFUSED: &[(&str, &str)] = &[
    ("features of a file", "{} option features.field_presence = EXPLICIT;"),
    ("features of a message", "{} message M { option features.field_presence = EXPLICIT; }"),
    ("features of a field", "{} message M { int32 x = 1 [features.field_presence = EXPLICIT]; }"),
    ("features of an enum", "{} enum E { option features.enum_type = OPEN; A = 0; }"),
    ("map_entry", "{} message M { option map_entry = true; string key = 1; string value = 2; }"),
    ("map_entry = false", "{} message M { option map_entry = false; }"),
    ("message_set_wire_format", "{} message M { option message_set_wire_format = true; }"),
    ("an import twice", "{} import \"google/protobuf/any.proto\"; import \"google/protobuf/any.proto\";"),
    ("extensions in proto3", "{} message M { extensions 100 to 200; }"),
    ("jstype of a map", "{} message M { map<string, int64> m = 1 [jstype = JS_STRING]; }"),
    ("jstype of an int32", "{} message M { int32 x = 1 [jstype = JS_STRING]; }"),
    ("jstype of a text", "{} message M { string x = 1 [jstype = JS_NUMBER]; }"),
    ("lazy of a scalar", "{} message M { int32 x = 1 [lazy = true]; }"),
    ("unverified_lazy of a scalar", "{} message M { int32 x = 1 [unverified_lazy = true]; }"),
    ("packed of a text", "{} message M { repeated string x = 1 [packed = true]; }"),
    ("packed of a single field", "{} message M { int32 x = 1 [packed = true]; }"),
    ("packed of a map", "{} message M { map<string, int32> x = 1 [packed = true]; }"),
    ("a default in proto3", "{} message M { int32 x = 1 [default = 3]; }"),
    ("a required field in proto3", "{} message M { required int32 x = 1; }"),
    ("a group in proto3", "{} message M { repeated group G = 1 { } }"),
    ("an empty oneof", "{} message M { oneof o { } }"),
    ("ranges that overlap", "{} message M { reserved 5 to 10, 7; }"),
    ("a range that ends first", "{} message M { reserved 10 to 5; }"),
    ("a reserved name twice", "{} message M { reserved \"a\", \"a\"; }"),
    ("a reserved name that is used", "{} message M { reserved \"a\"; int32 a = 1; }"),
    ("a reserved number that is used", "{} message M { reserved 1; int32 a = 1; }"),
    ("a reserved 0", "{} message M { reserved 0; }"),
    ("ranges of an enum that overlap", "{} enum E { A = 0; reserved 5 to 10, 7; }"),
    ("a reserved value that is used", "{} enum E { A = 0; reserved \"A\"; }"),
    ("a reserved value twice", "{} enum E { A = 0; reserved \"B\", \"B\"; }"),
    ("a reserved number of an enum that is used", "{} enum E { A = 0; B = 3; reserved 2 to 4; }"),
    ("an alias that is none", "{} enum E { option allow_alias = true; A = 0; B = 1; }"),
    ("values that are one in lower case", "{} enum E { E_A_B = 0; a_b = 1; }"),
    ("values that are one without the prefix", "{} enum Kind { KIND_OLD = 0; OLD = 1; }"),
    ("an enum that does not begin with 0", "{} enum E { A = 1; }"),
    (
        "extending a message in proto3",
        "syntax = \"proto2\"; package a; message M { extensions 100 to 200; } --b-- \
      {} import \"a.proto\"; extend a.M { string x = 100; }",
    ),
    (
        "two extensions of one number",
        "{} import \"google/protobuf/descriptor.proto\"; \
      extend google.protobuf.FieldOptions { string x = 50000; string y = 50000; }",
    ),
    (
        "two extensions of one number in two files",
        "{} import \"google/protobuf/descriptor.proto\"; \
      extend google.protobuf.FieldOptions { string x = 50000; } --b-- {} import \"a.proto\"; \
      import \"google/protobuf/descriptor.proto\"; extend google.protobuf.FieldOptions { string y = 50000; }",
    ),
    (
        "an extension outside of the ranges",
        "{} import \"google/protobuf/descriptor.proto\"; \
      extend google.protobuf.FieldOptions { string x = 500; }",
    ),
    (
        "an enum of proto2",
        "syntax = \"proto2\"; package a; enum E { A = 0; } --b-- {} import \"a.proto\"; message M { a.E x = 1; }",
    ),
    (
        "repeated enums of proto2",
        "syntax = \"proto2\"; package a; enum E { A = 0; } --b-- {} import \"a.proto\"; message M { repeated a.E x = 1; }",
    ),
    ("a lite import", "{} option optimize_for = LITE_RUNTIME; --b-- {} import \"a.proto\";"),
    (
        "an option for something else",
        "{} import \"google/protobuf/descriptor.proto\"; \
      extend google.protobuf.FieldOptions { string x = 50000 [targets = TARGET_TYPE_MESSAGE]; } message M { int32 y = 1 [(x) = \"\"]; }",
    ),
    (
        "an option that is not imported",
        "{} import \"google/protobuf/descriptor.proto\"; \
      extend google.protobuf.FieldOptions { string x = 50000; } --b-- {} message M { int32 y = 1 [(x) = \"\"]; }",
    ),
    ("JSON names that are one", "{} message M { int32 a_b = 1; int32 aB = 2; }"),
    ("JSON names in brackets", "{} message M { int32 a = 1 [json_name = \"[a]\"]; }"),
    ("a JSON name with a NUL", "{} message M { int32 a = 1 [json_name = \"a\\0\"]; }"),
    ("a JSON name twice", "{} message M { int32 a = 1 [json_name = \"a\", json_name = \"b\"]; }"),
    (
        "a JSON name of an extension",
        "{} import \"google/protobuf/descriptor.proto\"; \
      extend google.protobuf.FieldOptions { string x = 50000 [json_name = \"y\"]; }",
    ),
    ("a map of floats", "{} message M { map<float, string> m = 1; }"),
    ("a map in a oneof", "{} message M { oneof o { map<string, string> m = 1; } }"),
    ("a repeated map", "{} message M { repeated map<string, string> m = 1; }"),
    ("a map whose entries are there", "{} message M { map<string, string> m = 1; message MEntry { } }"),
    ("an unknown type", "{} message M { Nope x = 1; }"),
    ("an unknown type of a map", "{} message M { map<string, Nope> m = 1; }"),
    ("a number twice", "{} message M { int32 a = 1; int32 b = 1; }"),
    ("a number of Protocol Buffers' own", "{} message M { int32 a = 19000; }"),
    ("a number too large", "{} message M { int32 a = 536870912; }"),
    ("the number 0", "{} message M { int32 a = 0; }"),
    ("a name twice", "{} message M { } enum M { A = 0; }"),
    ("values of two enums of one name", "{} enum E { A = 0; } enum F { A = 0; }"),
    ("a package that is a message", "{} message b { } --b-- syntax = \"proto3\"; package a.v1.b;"),
    ("a package twice", "{} package b;"),
    ("an option twice", "{} message M { option deprecated = true; option deprecated = false; }"),
    ("an option of another type", "{} message M { option deprecated = 1; }"),
    ("an unknown option", "{} option nope = true;"),
    ("a method of no message", "{} enum E { A = 0; } service S { rpc X(E) returns (E); }"),
    ("an option that nobody sets", "{} option uninterpreted_option = { };"),
    ("an option of a field that nobody sets", "{} message M { int32 a = 1 [uninterpreted_option = { }]; }"),
    ("a name of an enum's value as a type", "{} enum E { A = 0; } message M { A x = 1; }"),
    ("an import of itself", "{} import \"a.proto\";"),
    ("an import that is missing", "{} import \"nope.proto\";"),
    ("fields of proto2 without a label", "syntax = \"proto2\"; message M { int32 a = 1; }"),
    ("extension ranges that overlap", "syntax = \"proto2\"; message M { extensions 1 to 10; extensions 5 to 20; }"),
    (
        "a required extension",
        "syntax = \"proto2\"; message M { extensions 1 to 10; } extend M { required int32 x = 1; }",
    ),
    (
        "a message set with fields",
        "syntax = \"proto2\"; message M { option message_set_wire_format = true; optional int32 x = 1; }",
    ),
    (
        "a scalar extension of a message set",
        "syntax = \"proto2\"; message M { option message_set_wire_format = true; \
      extensions 4 to max; } extend M { optional int32 x = 5; }",
    ),
    ("a default of a message", "syntax = \"proto2\"; message M { optional M m = 1 [default = \"\"]; }"),
    (
        "a default that is no value",
        "syntax = \"proto2\"; enum E { A = 1; } message M { optional E e = 1 [default = B]; }",
    ),
    ("a default out of range", "syntax = \"proto2\"; message M { optional int32 x = 1 [default = 3000000000]; }"),
    ("an unused comma", "{} message M { int32 a = 1 [deprecated = true,]; }"),
    ("a name with a dot", "{} message M.N { }"),
    ("a oneof of one name with a field", "{} message M { int32 o = 1; oneof o { int32 p = 2; } }"),
    ("an option of a value that is unknown", "{} option optimize_for = NOPE;"),
    ("an edition", "edition = \"2023\"; package a.v1;"),
];

/// Files that only protoc accepts: editions are not supported, and programs cannot load two files with conflicting
/// extensions.
const STRICTER: &[&str] = &["an edition", "two extensions of one number in two files"];

/// Files that protoc accepts.
const FINE: &[(&str, &str)] = &[
    ("nothing", "{}"),
    ("a mark before the text", "\u{feff}{}"),
    (
        "jstype of an int64",
        "{} message M { int64 x = 1 [jstype = JS_STRING]; repeated fixed64 y = 2 [jstype = JS_NUMBER]; }",
    ),
    ("jstype as it is anyway", "{} message M { int32 x = 1 [jstype = JS_NORMAL]; }"),
    ("lazy", "{} message M { M x = 1 [lazy = true]; map<string, string> m = 2 [lazy = true]; }"),
    ("packed", "{} message M { repeated int32 x = 1 [packed = true]; repeated string s = 2 [packed = false]; }"),
    ("optional", "{} message M { optional int32 x = 1; oneof o { int32 y = 2; } optional M z = 3; }"),
    ("reserved", "{} message M { reserved 5 to 10, 12, 100 to max; reserved \"a\", \"b\"; int32 c = 1; }"),
    ("reserved in an enum", "{} enum E { A = 0; reserved -5 to -1, 10 to max; reserved \"B\"; }"),
    ("an alias", "{} enum E { option allow_alias = true; A = 0; B = 0; }"),
    ("aliases that are one in lower case", "{} enum E { option allow_alias = true; E_A = 0; A = 0; }"),
    ("values of nested enums", "{} message M { enum E { A = 0; } } enum F { A = 0; }"),
    (
        "options of one's own",
        "{} import \"google/protobuf/descriptor.proto\"; extend google.protobuf.FieldOptions { string x = 50000; } \
      extend google.protobuf.MessageOptions { M y = 50000; } message M { option (y).z = 7; int32 z = 1 [(x) = \"x\"]; }",
    ),
    (
        "options of another file",
        "{} import \"google/protobuf/descriptor.proto\"; extend google.protobuf.FieldOptions { string x = 50000; } \
      --b-- {} import \"a.proto\"; message M { int32 z = 1 [(x) = \"x\"]; }",
    ),
    (
        "options of a public import",
        "{} import \"google/protobuf/descriptor.proto\"; extend google.protobuf.FieldOptions { string x = 50000; } \
      --b-- {} import public \"a.proto\"; --c-- {} import \"b.proto\"; message M { int32 z = 1 [(x) = \"x\"]; }",
    ),
    (
        "an option for a field",
        "{} import \"google/protobuf/descriptor.proto\"; \
      extend google.protobuf.FieldOptions { string x = 50000 [targets = TARGET_TYPE_FIELD]; } message M { int32 y = 1 [(x) = \"\"]; }",
    ),
    (
        "messages of proto2",
        "syntax = \"proto2\"; package a; message M { optional int32 x = 1 [default = 3]; extensions 100 to max; } \
      --b-- {} import \"a.proto\"; message N { a.M m = 1; }",
    ),
    (
        "services",
        "{} import \"google/protobuf/empty.proto\"; service S { rpc X(stream google.protobuf.Empty) returns (stream google.protobuf.Empty); }",
    ),
    ("types by their whole names", "{} message M { .a.v1.M m = 1; N.O o = 2; } message N { message O { } }"),
    ("keywords as names", "{} message message { int32 option = 1; string syntax = 2; }"),
    ("empty statements", "{};;; message M {; int32 a = 1;; };"),
    ("JSON names", "{} message M { int32 a = 1 [json_name = \"b\"]; int32 c = 2 [json_name = \"d-e\"]; }"),
    ("one value less than the name of the enum", "{} enum Kind { KIND = 0; KIND_A = 1; }"),
];

fn files(text: &str) -> Vec<(String, String)> {
    let text = text.replace("{}", "syntax = \"proto3\"; package a.v1;");
    let mut files = Vec::new();
    let mut path = "a.proto".to_owned();
    for part in text.split("--") {
        match part {
            "b" | "c" => path = format!("{part}.proto"),
            text => files.push((path.clone(), text.trim().to_owned())),
        }
    }
    files
}

/// Returns the compiler's diagnostics, except NO_MODELS.
fn ours(files: &[(String, String)]) -> Vec<String> {
    let files = files.iter().map(|(path, text)| file(path, text.as_str())).collect();
    let diagnostics = compile_files(files).err().unwrap_or_default();
    diagnostics.iter().filter(|diagnostic| diagnostic.code != "NO_MODELS").map(ToString::to_string).collect()
}

/// Returns protoc's error, if any.
fn theirs(files: &[(String, String)], folder: &Path) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::create_dir_all(folder).unwrap();
    for (path, text) in files {
        std::fs::write(folder.join(path), text).unwrap();
    }
    let mut protoc = Command::new(root.join(".tools/bin/protoc"));
    protoc.arg(format!("-I{}", folder.display())).arg(format!("-I{}", root.join(".tools/include").display()));
    protoc.arg(format!("--descriptor_set_out={}", folder.join("out").display()));
    let output = protoc.args(files.iter().map(|(path, _)| path)).output().expect("`make setup` brings protoc");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("protoc")
        .join(name.replace(|letter: char| !letter.is_alphanumeric(), "_"))
}

#[test]
fn files_that_protoc_rejects_have_a_diagnostic() {
    let mut wrong = Vec::new();
    for (name, text) in REFUSED {
        let files = files(text);
        if theirs(&files, &folder(name)).is_ok() && !STRICTER.contains(name) {
            wrong.push(format!("{name}: protoc accepts it"));
        }
        if ours(&files).is_empty() {
            wrong.push(format!("{name}: accepted"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_that_protoc_accepts_compile() {
    let mut wrong = Vec::new();
    for (name, text) in FINE {
        let files = files(text);
        if let Err(why) = theirs(&files, &folder(name)) {
            wrong.push(format!("{name}: protoc refuses it: {why}"));
        }
        wrong.extend(ours(&files).into_iter().map(|diagnostic| format!("{name}: {diagnostic}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn diagnostics_have_a_line() {
    for (name, text) in REFUSED.iter().filter(|(_, text)| !text.contains("--")) {
        let files = files(&text.replace("{}", "{}\n"));
        for diagnostic in ours(&files) {
            assert!(diagnostic.starts_with("a.proto:"), "{name}: {diagnostic}");
        }
    }
}
