//! Converts rows to records and back, by the format of the file.

mod postgres;
mod table;

use super::row_error::RowError;
use super::rows::{Framing, Row};
use groundplan_budget::Budget;
use groundplan_codec::{Record, json, wire};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_proto::records::v1;
use prost::encoding::encode_varint;
use table::Columns;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Ndjson,
    Csv,
    Delimited,
}

impl Format {
    pub(crate) fn of(number: i32, place: &str) -> Result<Self, Error> {
        match v1::Format::try_from(number) {
            Ok(v1::Format::Ndjson) => Ok(Self::Ndjson),
            Ok(v1::Format::Csv) => Ok(Self::Csv),
            Ok(v1::Format::Delimited) => Ok(Self::Delimited),
            _ => {
                let message = "must be FORMAT_NDJSON, FORMAT_CSV or FORMAT_DELIMITED";
                Err(Error::field(place, "enum.defined_only", message))
            }
        }
    }

    pub(crate) fn framing(self) -> Framing {
        match self {
            Self::Ndjson => Framing::Lines,
            Self::Csv => Framing::Quoted,
            Self::Delimited => Framing::Delimited,
        }
    }
}

/// Reads the rows of one import.
pub(crate) struct Reader {
    format: Format,
    /// The columns of a CSV file, after its first line.
    columns: Option<Columns>,
    text: Vec<u8>,
}

impl Reader {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, columns: None, text: Vec::new() }
    }

    /// Reports whether the next row contains the names.
    pub(crate) fn expects_names(&self) -> bool {
        self.format == Format::Csv && self.columns.is_none()
    }

    /// Reads the row with the names.
    ///
    /// # Errors
    /// `MALFORMED_REQUEST` if it does not contain names of fields.
    pub(crate) fn names(&mut self, model: &Model, row: &Row<'_>) -> Result<(), Error> {
        let columns = match &row.content {
            Ok(content) => text(content).and_then(|text| Columns::read(model, text)),
            Err(row_error) => Err(row_error.clone()),
        };
        self.columns = Some(columns.map_err(|row_error| table::header_error(&row_error, row.line))?);
        Ok(())
    }

    /// Reads the record of a row within a budget of its own.
    pub(crate) fn record(&mut self, model: &Model, row: &Row<'_>, budget: &Budget) -> Result<Record, RowError> {
        let content = *row.content.as_ref().map_err(Clone::clone)?;
        let (shapes, shape) = (&model.shapes, model.shape);
        let read = match (self.format, &self.columns) {
            (Format::Delimited, _) => wire::decode(shapes, shape, content, budget).map_err(RowError::from),
            (Format::Csv, Some(columns)) => text(content)
                .and_then(|text| columns.to_json(model, text, &mut self.text))
                .and_then(|()| json::decode(shapes, shape, &self.text, budget).map_err(RowError::from))
                .map(|decoded| decoded.record),
            _ => {
                text(content)?;
                json::decode(shapes, shape, content, budget).map(|decoded| decoded.record).map_err(RowError::from)
            }
        };
        read.map_err(|mut row_error| {
            if row.is_cut {
                row_error.message.push_str(" (the last line is incomplete: is the file truncated?)");
            }
            row_error
        })
    }
}

/// Returns the text of a row.
fn text(content: &[u8]) -> Result<&str, RowError> {
    std::str::from_utf8(content).map_err(|error| {
        let message = format!("is not UTF-8: byte {} is not part of a character", error.valid_up_to() + 1);
        RowError::whole("utf8", message)
    })
}

/// Writes the bytes before the first record.
pub(crate) fn write_head(model: &Model, format: Format, out: &mut Vec<u8>) {
    if format == Format::Csv {
        table::write_names(model, out);
    }
}

/// Writes a record.
pub(crate) fn write(model: &Model, format: Format, record: &Record, out: &mut Vec<u8>) -> Result<(), Error> {
    match format {
        Format::Ndjson => {
            json::encode(&model.shapes, model.shape, record, out);
            out.push(b'\n');
        }
        Format::Csv => table::write_row(model, record, out)?,
        Format::Delimited => {
            encode_varint(wire::encoded_len(&model.shapes, model.shape, record) as u64, out);
            wire::encode(&model.shapes, model.shape, record, out);
        }
    }
    Ok(())
}
