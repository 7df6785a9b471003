//! Diagnostics of models: one line each, and on a terminal the source line with a marker.

use crate::models::Models;
use groundplan_proto::schema::v1::Diagnostic;
use serde_json::{Value, json};

/// Converts a diagnostic of the local compiler to the form that a server sends.
pub(crate) fn from_compiler(diagnostic: groundplan_model::Diagnostic) -> Diagnostic {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    Diagnostic {
        code: diagnostic.code.to_owned(),
        message: diagnostic.message,
        help: diagnostic.help,
        file: diagnostic.file,
        line: number(diagnostic.line),
        column: number(diagnostic.column),
    }
}

/// Formats diagnostics for people. `with_source` adds the source line.
pub(crate) fn text(diagnostics: &[Diagnostic], models: &Models, with_source: bool) -> String {
    let mut lines = lines("", diagnostics, models, with_source);
    lines.push(match diagnostics.len() {
        1 => "1 problem; nothing was changed".to_owned(),
        count => format!("{count} problems; nothing was changed"),
    });
    lines.join("\n")
}

/// Formats warnings for people.
pub(crate) fn warnings(warnings: &[Diagnostic], models: &Models, with_source: bool) -> String {
    lines("warning: ", warnings, models, with_source).join("\n")
}

fn lines(kind: &str, diagnostics: &[Diagnostic], models: &Models, with_source: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for diagnostic in diagnostics {
        lines.push(format!("{}{kind}{}: {}", location(diagnostic, models), diagnostic.code, diagnostic.message));
        if with_source {
            lines.extend(source_excerpt(diagnostic, models));
        }
        if !diagnostic.help.is_empty() {
            lines.push(format!("    help: {}", diagnostic.help));
        }
    }
    lines
}

/// Formats diagnostics for programs: the fields of the message, in lowerCamelCase.
pub(crate) fn json(diagnostics: &[Diagnostic]) -> Value {
    let diagnostic_json = |diagnostic: &Diagnostic| {
        json!({
            "code": diagnostic.code, "message": diagnostic.message, "help": diagnostic.help,
            "file": diagnostic.file, "line": diagnostic.line, "column": diagnostic.column,
        })
    };
    diagnostics.iter().map(diagnostic_json).collect()
}

/// Returns `file:line:column: ` with the path on disk, which editors and terminals can open.
fn location(diagnostic: &Diagnostic, models: &Models) -> String {
    let file = match models.file(&diagnostic.file) {
        Some((_, path)) => path.display().to_string(),
        None => diagnostic.file.clone(),
    };
    match (file.as_str(), diagnostic.line) {
        ("", _) => String::new(),
        (file, 0) => format!("{file}: "),
        (file, line) => format!("{file}:{line}:{}: ", diagnostic.column),
    }
}

/// Returns the source line with a marker below the column.
fn source_excerpt(diagnostic: &Diagnostic, models: &Models) -> Option<String> {
    let (text, _) = models.file(&diagnostic.file)?;
    let index = usize::try_from(diagnostic.line).ok()?.checked_sub(1)?;
    let line = text.lines().nth(index)?;
    let before = usize::try_from(diagnostic.column).ok()?.checked_sub(1)?;
    let visible = |letter: char| if letter.is_control() && letter != '\t' { '\u{fffd}' } else { letter };
    let text_line: String = line.chars().map(visible).collect();
    // Keep tabs, so that the marker aligns with its column for every tab width of the terminal.
    let indent: String = line.chars().take(before).map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
    let number = diagnostic.line.to_string();
    let margin = " ".repeat(number.len());
    Some(format!("    {number} | {text_line}\n    {margin} | {indent}^"))
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::models::Models;
    use groundplan_proto::schema::v1::Diagnostic;
    use std::collections::BTreeMap;

    fn diagnostic(file: &str, line: i32, column: i32) -> Diagnostic {
        let owned = |text: &str| text.to_owned();
        Diagnostic {
            code: owned("CODE"),
            message: owned("is wrong"),
            help: owned("do better"),
            file: owned(file),
            line,
            column,
        }
    }

    fn models() -> Models {
        let file = ("a\n\tb \x1bc\n".to_owned(), "models/a.proto".into());
        Models::Files(BTreeMap::from([("a.proto".to_owned(), file)]))
    }

    #[test]
    fn the_marker_stands_below_the_column() {
        let text_line = text(&[diagnostic("a.proto", 2, 4)], &models(), true);
        let expected = "models/a.proto:2:4: CODE: is wrong\n    2 | \tb \u{fffd}c\n      | \t  ^\n    help: do better\n1 problem; nothing was changed";
        assert_eq!(text_line, expected);
    }

    #[test]
    fn unknown_locations_are_left_out() {
        for (location, start) in [
            (("", 0, 0), "CODE"),
            (("a.proto", 0, 0), "models/a.proto: CODE"),
            (("b.proto", 9, 9), "b.proto:9:9: CODE"),
        ] {
            let text_line = text(&[diagnostic(location.0, location.1, location.2)], &models(), true);
            assert!(text_line.starts_with(start) && !text_line.contains('^'), "{text_line}");
        }
    }
}
