//! Golden files with expressions, their SQL and the values of its slots.
//!
//! A line at the margin is an expression over `Book` of `shop.proto`. Below it are the SQL and the values of its slots in order,
//! or the error. To add a case, write the expression and run this test.
#![expect(clippy::panic, clippy::unwrap_used, reason = "in tests, a panic is how to fail")]

use groundplan_expr::{Filter, Scope, Slot};
use groundplan_model::{Catalog, Input, SourceFile, StorageNames, compile};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const WIDTH: usize = 110;
const MARGIN: &str = "    ";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn catalog() -> Catalog {
    let content = std::fs::read_to_string(golden().join("shop.proto")).unwrap();
    let files = vec![SourceFile { path: "shop/v1/shop.proto".to_owned(), content }];
    let compiled = compile(Input::Files(files), &StorageNames::default());
    compiled.unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}")).catalog
}

#[test]
fn expressions_compile_to_the_expected_sql() {
    let catalog = catalog();
    let scope = Scope { catalog: &catalog, model: catalog.model("shop.v1.Book").unwrap() };
    let mut files: Vec<PathBuf> = std::fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let mut differing = String::new();
    for path in files {
        let expected = std::fs::read_to_string(&path).unwrap();
        let actual = render(scope, &expected);
        if expected != actual {
            let name = path.file_name().unwrap();
            let actual_at = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            std::fs::write(&actual_at, actual).unwrap();
            writeln!(differing, "cp {} {}", actual_at.display(), path.display()).unwrap();
        }
    }
    assert!(differing.is_empty(), "golden files differ; to accept them:\n{differing}");
}

/// Renders the file with the current SQL of its expressions.
fn render(scope: Scope<'_>, file: &str) -> String {
    let mut out = String::new();
    for line in file.lines().filter(|line| !line.starts_with(MARGIN)) {
        if line.is_empty() && out.ends_with("\n\n") {
            continue;
        }
        out.push_str(line);
        out.push('\n');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match Filter::compile(scope, line) {
            Ok(filter) => {
                for line in wrap(&filter.sql().text) {
                    writeln!(out, "{MARGIN}{line}").unwrap();
                }
                let slots: Vec<String> = filter.sql().slots.iter().map(render_slot).collect();
                if !slots.is_empty() {
                    writeln!(out, "{MARGIN}[{}]", slots.join(", ")).unwrap();
                }
            }
            Err(error) => writeln!(out, "{MARGIN}! {error}").unwrap(),
        }
        out.push('\n');
    }
    format!("{}\n", out.trim_end())
}

/// Wraps long SQL before keywords.
fn wrap(sql: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in parts(sql) {
        let line = lines.last_mut().unwrap();
        if !line.is_empty() && line.len() + part.len() + 1 > WIDTH {
            lines.push(format!("  {part}"));
        } else {
            let space = if line.is_empty() { "" } else { " " };
            line.push_str(&format!("{space}{part}"));
        }
    }
    lines
}

fn parts(sql: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut is_between = false;
    for word in sql.split(' ') {
        let starts_part = ["AND", "OR", "WHERE", "FROM", "WHEN", "THEN", "ELSE", "IS"].contains(&word) && !is_between;
        is_between = word == "BETWEEN" || (is_between && word != "AND");
        match parts.last_mut() {
            Some(part) if !starts_part => {
                part.push(' ');
                part.push_str(word);
            }
            _ => parts.push(word.to_owned()),
        }
    }
    parts
}

/// Renders a slot as SQL.
fn render_slot(slot: &Slot) -> String {
    match slot {
        Slot::Boolean(value) => format!("boolean {value}"),
        Slot::Bigint(value) => format!("bigint {value}"),
        Slot::Integer(value) => format!("integer {value}"),
        Slot::Numeric(value) => format!("numeric {value}"),
        Slot::DoublePrecision(value) => format!("float8 {value:?}"),
        Slot::Text(value) => format!("text {value:?}"),
        Slot::Bytea(value) => format!("bytea {}", value.escape_ascii()),
        Slot::Uuid(value) => format!("uuid {:032x}", u128::from_be_bytes(*value)),
        Slot::Timestamptz(micros) => {
            format!("timestamptz {}", chrono::DateTime::from_timestamp_micros(*micros).unwrap())
        }
        Slot::Interval(micros) => format!("interval {micros} µs"),
        Slot::Array(slots) => {
            let slots: Vec<String> = slots.iter().map(render_slot).collect();
            format!("{{{}}}", slots.join(", "))
        }
        Slot::Now => "now".to_owned(),
    }
}
