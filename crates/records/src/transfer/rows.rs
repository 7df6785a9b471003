//! Bytes to rows, however they were cut into chunks, without holding more than one row.

mod scan;

use super::row_error::RowError;
use bytes::Bytes;
use groundplan_error::{Error, Reason};
use scan::{Quote, Varint, end_of_quoted, varint};
use std::ops::Range;

/// How rows lie in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One a line.
    Lines,
    /// One a line, and line feeds within quotes are part of it.
    Quoted,
    /// Each behind its length as a varint.
    Delimited,
}

/// A row, or what is in its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    /// The line in which it begins, or the number of the message; from 1.
    pub(crate) line: u64,
    pub(crate) content: Result<&'a [u8], RowError>,
    /// Whether it is the last one, and its line has no end.
    pub(crate) is_cut: bool,
}

/// Cuts bytes into rows.
pub(crate) struct Rows {
    framing: Framing,
    /// The most bytes of a row.
    limit: usize,
    chunk: Bytes,
    /// What of the chunk is done.
    at: usize,
    /// The row so far, from chunks before.
    pending: Vec<u8>,
    /// Whether `pending` was given, and is to be forgotten.
    is_given: bool,
    is_begun: bool,
    is_finished: bool,
    /// Of what comes next, and of the row that has begun.
    line: u64,
    began: u64,
    /// The rest of a row that was refused: until its end, or so many bytes.
    discards: bool,
    discard: u64,
    quote: Quote,
    is_broken: bool,
}

/// What a look at the rest of the chunk has found.
enum Found {
    /// The end of a row: where it is in the chunk, without its line end.
    Row(Range<usize>),
    /// No end.
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
            is_given: false,
            is_begun: framing == Framing::Delimited,
            is_finished: false,
            line: 1,
            began: 1,
            discards: false,
            discard: 0,
            quote: Quote::Start,
            is_broken: false,
        }
    }

    /// Takes the next chunk, once [`Rows::next`] gives none.
    pub(crate) fn feed(&mut self, chunk: Bytes) {
        self.chunk = match self.chunk.get(self.at..) {
            Some(rest) if !rest.is_empty() => [rest, &chunk].concat().into(),
            _ => chunk,
        };
        self.at = 0;
    }

    /// There are no more chunks.
    pub(crate) fn finish(&mut self) {
        self.is_finished = true;
    }

    /// The next row; none if the next chunk is needed, or all is given.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, Error> {
        if std::mem::take(&mut self.is_given) {
            self.pending.clear();
        }
        if !self.is_begun && !self.begin()? {
            return Ok(None);
        }
        Ok(if self.framing == Framing::Delimited { self.message() } else { self.text() })
    }

    /// Looks at the first bytes: which encoding it is. Waits until there are enough.
    fn begin(&mut self) -> Result<bool, Error> {
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
        self.is_begun = true;
        Ok(true)
    }

    /// The next row of a text.
    fn text(&mut self) -> Option<Row<'_>> {
        loop {
            let (range, is_end) = match self.scan() {
                Found::Row(range) => (range, true),
                Found::Open(range) => (range, false),
            };
            let is_last = !is_end && self.is_finished;
            let began = self.began;
            if is_end || is_last {
                self.began = self.line;
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
                return Some(Row { line: began, content: Err(too_long(self.limit)), is_cut: false });
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
            self.is_given = is_joined;
            // Borrowed anew: the compiler does not see that the loop ends here.
            let row = if is_joined { &self.pending[..] } else { self.chunk.get(range).unwrap_or_default() };
            let row = row.strip_suffix(b"\r").unwrap_or(row);
            return Some(Row { line: began, content: Ok(row), is_cut: is_last });
        }
    }

    /// Looks for the end of the row, from where the chunk is not done.
    fn scan(&mut self) -> Found {
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
                Found::Row(from..from + end)
            }
            None => {
                self.at = self.chunk.len();
                Found::Open(from..self.chunk.len())
            }
        }
    }

    /// The next message behind its length.
    fn message(&mut self) -> Option<Row<'_>> {
        loop {
            let rest = self.chunk.get(self.at..).unwrap_or_default();
            if self.discard > 0 {
                let done = usize::try_from(self.discard).unwrap_or(usize::MAX).min(rest.len());
                self.discard -= done as u64;
                self.at += done;
                if self.discard > 0 {
                    return None;
                }
                continue;
            }
            if self.is_broken || (rest.is_empty() && self.pending.is_empty()) {
                return None;
            }
            // The length may be in two chunks; then all is joined, which a message of a few chunks can bear.
            let (length, behind) = match varint(&self.pending, rest) {
                Varint::Whole(length, behind) => (length, behind),
                Varint::Cut if !self.is_finished => {
                    self.pending.extend_from_slice(rest);
                    self.at = self.chunk.len();
                    return None;
                }
                Varint::Cut => {
                    return Some(self.give_up("ends within the length of a message: is the file truncated?"));
                }
                Varint::Wrong => {
                    let words = "has an invalid length; nothing after it can be read";
                    return Some(self.give_up(words));
                }
            };
            let there = self.pending.len() + rest.len() - behind;
            let line = self.line;
            if length > self.limit as u64 {
                self.line += 1;
                let skipped = self.pending.len().min(behind);
                self.at += behind - skipped;
                // What is pending of the message itself counts as discarded.
                self.discard = length - (self.pending.len() - skipped) as u64;
                self.pending = Vec::new();
                return Some(Row { line, content: Err(too_long(self.limit)), is_cut: false });
            }
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if there < length {
                if self.is_finished {
                    return Some(self.give_up("is shorter than its length: is the file truncated?"));
                }
                self.pending.extend_from_slice(rest);
                self.at = self.chunk.len();
                return None;
            }
            self.line += 1;
            let content = if self.pending.is_empty() {
                let from = self.at + behind;
                self.at = from + length;
                self.chunk.get(from..from + length).unwrap_or_default()
            } else {
                let missing = behind + length - self.pending.len();
                self.pending.extend_from_slice(rest.get(..missing).unwrap_or_default());
                self.at += missing;
                self.is_given = true;
                self.pending.get(behind..).unwrap_or_default()
            };
            return Some(Row { line, content: Ok(content), is_cut: false });
        }
    }

    /// Where one message ends is not known any more, so that no other begins.
    fn give_up(&mut self, words: &str) -> Row<'static> {
        self.is_broken = true;
        self.pending = Vec::new();
        Row { line: self.line, content: Err(RowError::whole("framing", words)), is_cut: false }
    }
}

fn too_long(limit: usize) -> RowError {
    RowError::whole("row.max_bytes", format!("is longer than {limit} bytes, the limit for a row"))
}

#[cfg(test)]
mod tests;
