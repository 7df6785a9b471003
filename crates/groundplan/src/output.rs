//! The output of a command: text for people, or JSON for programs.

use std::fmt::{Arguments, Display};
use std::io::{IsTerminal as _, Write as _};

/// The form of a command's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people
    #[default]
    Text,
    /// For programs: one JSON value per line
    Json,
}

impl Display for Output {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// Standard output is closed.
#[derive(Debug)]
pub(crate) struct Closed;

/// Prints a line to standard output.
pub(crate) fn print(line: impl Display) -> Result<(), Closed> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|_| Closed)
}

/// Prints a line to standard error. A failure cannot be reported.
pub(crate) fn print_error(line: Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Checks whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Formats rows of cells as aligned lines; the last column is not padded.
pub(crate) fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> Vec<String> {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_aligned_by_characters() {
        let rows = [["é".to_owned(), "b".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(table(&rows), ["é     b", "long"]);
    }
}
