//! A part of an import: valid rows, encoded for `COPY`.

use super::report::{Report, Reporting as _};
use super::row_error::RowError;
use super::written::Written;
use super::{MAX_PART_BYTES, MAX_PART_ROWS, copy};
use crate::call::Call;
use bytes::Bytes;
use groundplan_codec::Record;
use groundplan_error::Error;
use groundplan_query::bind;
use std::ops::Range;

/// The number of columns of a staging row before those of the record: its line, its version, its event, and whether the row has
/// a creation time.
const OWN_COLUMNS: usize = 4;

/// Valid rows, encoded for `COPY`. Clones share the bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    bytes: Bytes,
    /// The end of each row in the bytes, and its line.
    rows: Vec<(usize, u64)>,
}

/// Consecutive rows of an import.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) batch: Batch,
    /// The report on the rows that are not in the batch.
    pub(crate) report: Report,
    /// The number of rows of the import up to the end of this part, and their digest.
    pub(crate) done: i64,
    pub(crate) digest: Vec<u8>,
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the line of the first row.
    pub(crate) fn line(&self) -> u64 {
        self.rows.first().map_or(0, |(_, line)| *line)
    }

    /// Splits the batch in two; `None` if it has only one row.
    pub(crate) fn split(&self) -> Option<(Self, Self)> {
        let middle = self.rows.len() / 2;
        (middle > 0).then(|| (self.range(0..middle), self.range(middle..self.rows.len())))
    }

    /// Returns a range of its rows.
    fn range(&self, rows: Range<usize>) -> Self {
        let end_of = |at: usize| self.rows.get(at).map_or(0, |(end, _)| *end);
        let begin = rows.start.checked_sub(1).map_or(0, end_of);
        let end = rows.end.checked_sub(1).map_or(0, end_of);
        let ends = self.rows.get(rows).unwrap_or_default();
        Self {
            bytes: self.bytes.slice(begin..end),
            rows: ends.iter().map(|(end, line)| (end - begin, *line)).collect(),
        }
    }
}

/// A part under construction.
#[derive(Default)]
pub(crate) struct PartBuilder {
    bytes: Vec<u8>,
    rows: Vec<(usize, u64)>,
    report: Report,
}

impl PartBuilder {
    /// Adds a complete and valid record.
    pub(crate) fn add(&mut self, call: &Call<'_>, line: u64, record: &Record, written: &Written) -> Result<(), Error> {
        self.report.read += 1;
        encode(call, line, record, written, &mut self.bytes)?;
        self.rows.push((self.bytes.len(), line));
        Ok(())
    }

    /// Counts an invalid row.
    pub(crate) fn reject(&mut self, line: u64, row_errors: Vec<RowError>) {
        self.report.read += 1;
        self.report.fail(line, row_errors);
    }

    pub(crate) fn is_full(&self) -> bool {
        // Invalid rows count, so that many of them do not stop the progress.
        self.report.read >= MAX_PART_ROWS as i64 || self.bytes.len() >= MAX_PART_BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.report.read == 0
    }

    /// Takes the part with the rows so far.
    pub(crate) fn take(&mut self, done: i64, digest: Vec<u8>) -> Part {
        let Self { bytes, rows, report } = std::mem::take(self);
        // The next part probably has a similar size.
        self.bytes.reserve(bytes.len());
        Part { batch: Batch { bytes: bytes.into(), rows }, report, done, digest }
    }
}

/// Encodes a row of the staging table.
///
/// # Errors
/// Those of [`bind::bind`]; `out` is unchanged then.
pub(crate) fn encode(
    call: &Call<'_>,
    line: u64,
    record: &Record,
    written: &Written,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let begin = out.len();
    let columns = &call.table.columns;
    copy::start_row(OWN_COLUMNS + columns.len(), out);
    copy::bytes(Some(&line.to_be_bytes()), out);
    copy::bytes(Some(&written.version.to_be_bytes()), out);
    copy::bytes(Some(&written.payload), out);
    copy::bytes(Some(&[u8::from(written.has_created_at)]), out);
    for column in columns {
        let value = bind::bind(&call.table.model, column, record);
        match value {
            Ok(value) => copy::column(&value, out),
            Err(error) => {
                out.truncate(begin);
                return Err(error);
            }
        }
    }
    Ok(())
}
