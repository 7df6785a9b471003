//! Splits bytes into rows, independently of chunk boundaries, and holds at most one row.

mod scan;

use super::row_error::RowError;
use bytes::Bytes;
use groundplan_error::{Error, Reason};
use scan::{Quote, Varint, end_of_quoted, varint};
use std::ops::Range;

/// How the bytes delimit rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One row per line.
    Lines,
    /// One row per line; line feeds within quotes are part of the row.
    Quoted,
    /// Each row after its length as a varint.
    Delimited,
}

/// A row, or its error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    /// The line where it starts, or the number of the message; from 1.
    pub(crate) line: u64,
    pub(crate) content: Result<&'a [u8], RowError>,
    /// Whether it is the last row, without a line end.
    pub(crate) is_cut: bool,
}

/// Splits bytes into rows.
pub(crate) struct Rows {
    framing: Framing,
    /// The maximum size of a row in bytes.
    limit: usize,
    chunk: Bytes,
    /// The position in the chunk.
    at: usize,
    /// The start of the row, from earlier chunks.
    pending: Vec<u8>,
    /// Whether `pending` was returned and must be cleared.
    is_returned: bool,
    is_started: bool,
    is_finished: bool,
    /// The current line.
    line: u64,
    /// The line where the current row started.
    start_line: u64,
    /// The rest of a rejected row to skip: until its end, or a number of bytes.
    discards: bool,
    discard: u64,
    quote: Quote,
    is_broken: bool,
}

/// The result of a scan of the rest of the chunk.
enum Scan {
    /// A row ends in the chunk: its range without its line end.
    Row(Range<usize>),
    /// The row does not end in the chunk.
    Open(Range<usize>),
}

impl Rows {
    pub(crate) fn new(framing: Framing, limit: usize) -> Self {
        Self {
            framing,
            limit,
            chunk: Bytes::new(),
            at: 0,
            pending: Vec::new(),
            is_returned: false,
            is_started: framing == Framing::Delimited,
            is_finished: false,
            line: 1,
            start_line: 1,
            discards: false,
            discard: 0,
            quote: Quote::Start,
            is_broken: false,
        }
    }

    /// Adds the next chunk. Call it after [`Rows::next`] returned `None`.
    pub(crate) fn feed(&mut self, chunk: Bytes) {
        self.chunk = match self.chunk.get(self.at..) {
            Some(rest) if !rest.is_empty() => [rest, &chunk].concat().into(),
            _ => chunk,
        };
        self.at = 0;
    }

    /// Marks the end of the chunks.
    pub(crate) fn finish(&mut self) {
        self.is_finished = true;
    }

    /// Returns the next row; `None` if it needs the next chunk, or at the end.
    ///
    /// # Errors
    /// `MALFORMED_REQUEST` if the bytes are UTF-16 or UTF-32.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, Error> {
        if std::mem::take(&mut self.is_returned) {
            self.pending.clear();
        }
        if !self.is_started && !self.detect_encoding()? {
            return Ok(None);
        }
        Ok(if self.framing == Framing::Delimited { self.message() } else { self.text() })
    }

    /// Detects the encoding from the first bytes. Returns false if it needs more bytes.
    fn detect_encoding(&mut self) -> Result<bool, Error> {
        if self.chunk.len() < 4 && !self.is_finished {
            return Ok(false);
        }
        match *self.chunk {
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, ..] | [_, 0, ..] => {
                let message = "the rows are encoded in UTF-16 or UTF-32; convert them to UTF-8, such as by \
                    `iconv -f UTF-16 -t UTF-8`";
                return Err(Error::new(Reason::MalformedRequest, message));
            }
            [0xEF, 0xBB, 0xBF, ..] => self.at = 3,
            _ => {}
        }
        self.is_started = true;
        Ok(true)
    }

    /// Returns the next row of a text.
    fn text(&mut self) -> Option<Row<'_>> {
        loop {
            let (range, is_end) = match self.scan() {
                Scan::Row(range) => (range, true),
                Scan::Open(range) => (range, false),
            };
            let is_last = !is_end && self.is_finished;
            let start_line = self.start_line;
            if is_end || is_last {
                self.start_line = self.line;
                self.quote = Quote::Start;
            }
            if self.discards {
                self.discards = !is_end;
                if is_end {
                    continue;
                }
                return None;
            }
            let length = self.pending.len() + range.len();
            if length > self.limit {
                self.discards = !is_end;
                self.pending = Vec::new();
                return Some(Row { line: start_line, content: Err(too_long(self.limit)), is_cut: false });
            }
            let is_joined = !self.pending.is_empty() || !(is_end || is_last);
            if is_joined {
                self.pending.extend_from_slice(self.chunk.get(range.clone()).unwrap_or_default());
            }
            if !is_end && !is_last {
                return None;
            }
            let row = if is_joined { &self.pending[..] } else { self.chunk.get(range.clone()).unwrap_or_default() };
            if row.trim_ascii().is_empty() {
                self.pending.clear();
                if is_last {
                    return None;
                }
                continue;
            }
            self.is_returned = is_joined;
            // Borrowed again: the compiler does not see that the loop ends here.
            let row = if is_joined { &self.pending[..] } else { self.chunk.get(range).unwrap_or_default() };
            let row = row.strip_suffix(b"\r").unwrap_or(row);
            return Some(Row { line: start_line, content: Ok(row), is_cut: is_last });
        }
    }

    /// Finds the end of the row in the rest of the chunk.
    fn scan(&mut self) -> Scan {
        let from = self.at;
        let rest = self.chunk.get(from..).unwrap_or_default();
        let end = match self.framing {
            Framing::Quoted => end_of_quoted(rest, &mut self.quote, &mut self.line),
            _ => rest.iter().position(|byte| *byte == b'\n'),
        };
        match end {
            Some(end) => {
                self.line += 1;
                self.at = from + end + 1;
                Scan::Row(from..from + end)
            }
            None => {
                self.at = self.chunk.len();
                Scan::Open(from..self.chunk.len())
            }
        }
    }

    /// Returns the next message after its length.
    fn message(&mut self) -> Option<Row<'_>> {
        if !self.skip_rejected() {
            return None;
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        if self.is_broken || (rest.is_empty() && self.pending.is_empty()) {
            return None;
        }
        // The length can span two chunks. Then all bytes are joined, which is cheap for a message of a few chunks.
        let (length, prefix) = match varint(&self.pending, rest) {
            Varint::Whole(length, prefix) => (length, prefix),
            Varint::Cut if !self.is_finished => {
                self.pending.extend_from_slice(rest);
                self.at = self.chunk.len();
                return None;
            }
            Varint::Cut => return Some(self.give_up("ends within the length of a message: is the file truncated?")),
            Varint::Wrong => return Some(self.give_up("has an invalid length; nothing after it can be read")),
        };
        if length > self.limit as u64 {
            return Some(self.reject_message(prefix, length));
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if self.pending.len() + rest.len() - prefix < length {
            if self.is_finished {
                return Some(self.give_up("is shorter than its length: is the file truncated?"));
            }
            self.pending.extend_from_slice(rest);
            self.at = self.chunk.len();
            return None;
        }
        Some(self.take_message(prefix, length))
    }

    /// Skips the rest of a rejected message. Returns false if it needs more bytes.
    fn skip_rejected(&mut self) -> bool {
        let available = self.chunk.len().saturating_sub(self.at);
        let skipped = usize::try_from(self.discard).unwrap_or(usize::MAX).min(available);
        self.discard -= skipped as u64;
        self.at += skipped;
        self.discard == 0
    }

    /// Rejects a message that is too long. Its bytes after the prefix with its length are skipped.
    fn reject_message(&mut self, prefix: usize, length: u64) -> Row<'static> {
        let line = self.line;
        self.line += 1;
        let skipped = self.pending.len().min(prefix);
        self.at += prefix - skipped;
        // Pending bytes of the message count as skipped.
        self.discard = length - (self.pending.len() - skipped) as u64;
        self.pending = Vec::new();
        Row { line, content: Err(too_long(self.limit)), is_cut: false }
    }

    /// Takes a complete message, whose bytes start after the prefix with its length.
    fn take_message(&mut self, prefix: usize, length: usize) -> Row<'_> {
        let line = self.line;
        self.line += 1;
        let content = if self.pending.is_empty() {
            let from = self.at + prefix;
            self.at = from + length;
            self.chunk.get(from..from + length).unwrap_or_default()
        } else {
            let missing = prefix + length - self.pending.len();
            let rest = self.chunk.get(self.at..).unwrap_or_default();
            self.pending.extend_from_slice(rest.get(..missing).unwrap_or_default());
            self.at += missing;
            self.is_returned = true;
            self.pending.get(prefix..).unwrap_or_default()
        };
        Row { line, content: Ok(content), is_cut: false }
    }

    /// Returns an error for a message whose end is unknown. Later messages cannot be read.
    fn give_up(&mut self, message: &str) -> Row<'static> {
        self.is_broken = true;
        self.pending = Vec::new();
        Row { line: self.line, content: Err(RowError::whole("framing", message)), is_cut: false }
    }
}

fn too_long(limit: usize) -> RowError {
    RowError::whole("row.max_bytes", format!("is longer than {limit} bytes, the limit for a row"))
}

#[cfg(test)]
mod tests;
