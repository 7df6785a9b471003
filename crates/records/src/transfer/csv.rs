//! A strict parser and writer for CSV by RFC 4180: a misplaced quote is an error and never changes the meaning of the rest.
//!
//! Existing parsers do not report whether a cell was quoted, which distinguishes an empty text from an absent value, and they
//! accept malformed input.

use super::row_error::RowError;
use std::borrow::Cow;

/// A cell of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) is_quoted: bool,
}

/// Parses the cells of a row without its line end.
pub(crate) fn cells(row: &str) -> Result<Vec<Cell<'_>>, RowError> {
    let mut cells = Vec::new();
    let mut rest = row;
    loop {
        let (cell, remainder) = match rest.strip_prefix('"') {
            Some(inside) => quoted(inside, cells.len())?,
            None => plain(rest, cells.len())?,
        };
        cells.push(cell);
        match remainder.strip_prefix(',') {
            Some(next) => rest = next,
            None if remainder.is_empty() => return Ok(cells),
            None => {
                let message = "has text after its closing quote; double the quotes within a cell";
                return Err(error_at(cells.len() - 1, message));
            }
        }
    }
}

/// Parses a cell without quotes. Returns it and the rest of the row.
fn plain(rest: &str, number: usize) -> Result<(Cell<'_>, &str), RowError> {
    let end = rest.find(',').unwrap_or(rest.len());
    let (text, remainder) = rest.split_at(end);
    if text.contains(['"', '\r']) {
        let message =
            "has a quote or a carriage return and is not in quotes; put it in quotes, and write each quote twice";
        return Err(error_at(number, message));
    }
    Ok((Cell { text: Cow::Borrowed(text), is_quoted: false }, remainder))
}

/// Parses a cell after its opening quote. Returns it and the rest of the row.
fn quoted(inside: &str, number: usize) -> Result<(Cell<'_>, &str), RowError> {
    let mut text = Cow::Borrowed("");
    let mut rest = inside;
    loop {
        let Some((part, remainder)) = rest.split_once('"') else {
            return Err(error_at(number, "has an opening quote without a closing quote"));
        };
        // Each piece except the last ends with a doubled quote.
        match remainder.strip_prefix('"') {
            Some(next) => {
                let text = text.to_mut();
                text.push_str(part);
                text.push('"');
                rest = next;
            }
            None => {
                if text.is_empty() {
                    text = Cow::Borrowed(part);
                } else {
                    text.to_mut().push_str(part);
                }
                return Ok((Cell { text, is_quoted: true }, remainder));
            }
        }
    }
}

fn error_at(number: usize, message: &str) -> RowError {
    RowError::whole("csv", format!("is not CSV: cell {} {message}", number + 1))
}

/// Writes a cell. An empty cell that `is_present` gets quotes.
pub(crate) fn write(text: &str, is_present: bool, out: &mut Vec<u8>) {
    let is_plain = if text.is_empty() { !is_present } else { !text.contains(['"', ',', '\n', '\r']) };
    // RFC 4180 does not trim spaces.
    if is_plain {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for (at, part) in text.split('"').enumerate() {
        out.extend_from_slice(if at > 0 { b"\"\"" } else { b"" });
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::{cells, write};

    fn texts(row: &str) -> Vec<(String, bool)> {
        cells(row).unwrap().into_iter().map(|cell| (cell.text.into_owned(), cell.is_quoted)).collect()
    }

    #[test]
    fn cells_are_parsed() {
        let plain = |text: &str| (text.to_owned(), false);
        let quoted = |text: &str| (text.to_owned(), true);
        assert_eq!(texts("a,b"), [plain("a"), plain("b")]);
        assert_eq!(texts(",,"), [plain(""), plain(""), plain("")]);
        assert_eq!(texts("\"\", \"\"".replace(' ', "").as_str()), [quoted(""), quoted("")]);
        assert_eq!(texts("\"a,\r\n\"\"b\"\"\",c "), [quoted("a,\r\n\"b\""), plain("c ")]);
        assert_eq!(texts("\"\"\"\""), [quoted("\"")]);
    }

    #[test]
    fn misplaced_quotes_are_errors() {
        for (row, cell) in
            [("a\"b", 1), ("x,\"a", 2), ("\"a\"b", 1), ("\"a\" ,b", 1), ("a,b\rc", 2), ("\"", 1), ("\"\"\"", 1)]
        {
            let row_error = cells(row).unwrap_err();
            assert!(row_error.message.contains(&format!("cell {cell} ")), "{row}: {row_error:?}");
        }
    }

    #[test]
    fn written_rows_can_be_parsed() {
        for row in [vec!["a", "", "b\"c", "\r\n", ",", " x "], vec!["\"\"", "é\u{1F600}"]] {
            let mut line = Vec::new();
            for (at, text) in row.iter().enumerate() {
                line.extend_from_slice(if at > 0 { b"," } else { b"" });
                write(text, true, &mut line);
            }
            let line = String::from_utf8(line).unwrap();
            assert_eq!(texts(&line).into_iter().map(|(text, _)| text).collect::<Vec<_>>(), row);
            assert!(texts(&line).iter().all(|(text, is_quoted)| !text.is_empty() || *is_quoted));
        }
    }
}
