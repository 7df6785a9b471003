//! CSV: converts the cells of a row to a JSON object and back.

use super::super::csv::{self, Cell, cells};
use super::super::row_error::RowError;
use super::postgres;
use groundplan_codec::{Record, json, shorten_name, suggestion};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use groundplan_model::shape::{Cardinality, Field, FieldId, Kind, Shapes, Wrapped};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};

/// The enum for the null of `google.protobuf.Value`.
const NULL_VALUE: &str = "google.protobuf.NullValue";

/// How a cell represents the value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// A JSON string without its quotes. A quoted empty cell is a value.
    Text,
    /// A number or time, as a JSON string without its quotes. An empty cell is not a value.
    Bare,
    /// The name of an enum value, or its number.
    Name,
    /// JSON.
    Json,
}

impl Style {
    fn of(shapes: &Shapes, field: &Field) -> Self {
        match field.cardinality {
            Cardinality::Repeated | Cardinality::Map(_) => Self::Json,
            _ => Self::of_kind(shapes, field.kind),
        }
    }

    /// Returns the style of a single value of a kind.
    fn of_kind(shapes: &Shapes, kind: Kind) -> Self {
        match kind {
            Kind::String | Kind::Bytes | Kind::FieldMask => Self::Text,
            Kind::Wrapper(Wrapped::String | Wrapped::Bytes) => Self::Text,
            Kind::Integer(_) | Kind::Float | Kind::Double | Kind::Timestamp | Kind::Duration => Self::Bare,
            Kind::Wrapper(Wrapped::Integer(_) | Wrapped::Float | Wrapped::Double) => Self::Bare,
            Kind::Enum(id) if shapes.enumeration(id).full_name != NULL_VALUE => Self::Name,
            _ => Self::Json,
        }
    }
}

/// The columns of a file.
pub(super) struct Columns(Vec<(FieldId, Style)>);

impl Columns {
    /// Reads the line with the names.
    pub(super) fn read(model: &Model, text: &str) -> Result<Self, RowError> {
        let shape = model.shape();
        if let Some(row_error) = other_separator(text) {
            return Err(row_error);
        }
        let mut columns = Vec::new();
        let mut seen = HashSet::new();
        for cell in cells(text)? {
            let name = cell.text.trim();
            let Some(id) = shape.by_name(name) else {
                let suggestion = suggestion(name, shape.fields.iter().map(|field| field.name.as_str()));
                let message = format!("is not a field of {}{suggestion}", shape.full_name);
                return Err(RowError::field(&shorten_name(name), "unknown_field", message));
            };
            if !seen.insert(id) {
                return Err(RowError::field(&shorten_name(name), "duplicate", "appears twice"));
            }
            columns.push((id, Style::of(&model.shapes, shape.field(id))));
        }
        Ok(Self(columns))
    }

    /// Writes a row as a JSON object.
    pub(super) fn to_json(&self, model: &Model, text: &str, out: &mut Vec<u8>) -> Result<(), RowError> {
        let cells = cells(text)?;
        if cells.len() != self.0.len() {
            let message = format!("has {} cells where the first line has {} names", cells.len(), self.0.len());
            return Err(RowError::whole("csv", message));
        }
        out.clear();
        out.push(b'{');
        for ((id, style), cell) in self.0.iter().zip(&cells) {
            let field = model.shape().field(*id);
            if !is_value(*style, cell) {
                continue;
            }
            if out.len() > 1 {
                out.push(b',');
            }
            quote(&field.json_name, out);
            out.push(b':');
            match elements(field, &cell.text) {
                Some(elements) => list(&model.shapes, field, &elements, out)?,
                None => value(field, *style, &cell.text, out)?,
            }
        }
        out.push(b'}');
        Ok(())
    }
}

/// Returns an error if the names are not separated by commas.
fn other_separator(names: &str) -> Option<RowError> {
    let (_, separators) = [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")]
        .into_iter()
        .find(|(separator, _)| names.contains(*separator) && !names.contains(','))?;
    let message = format!("has {separators} between its names; separate them with commas (RFC 4180)");
    Some(RowError::whole("csv", message))
}

/// Reports whether a cell has a value. Programs that quote all cells also write `""` for absent values: that is an empty text,
/// but not a number.
fn is_value(style: Style, cell: &Cell<'_>) -> bool {
    !cell.text.is_empty() || (cell.is_quoted && style == Style::Text)
}

/// Returns the elements of a list in PostgreSQL's format.
fn elements(field: &Field, text: &str) -> Option<Vec<String>> {
    matches!(field.cardinality, Cardinality::Repeated).then(|| postgres::array(text)).flatten()
}

/// Writes the elements of a list as JSON.
fn list(shapes: &Shapes, field: &Field, elements: &[String], out: &mut Vec<u8>) -> Result<(), RowError> {
    out.push(b'[');
    for (at, element) in elements.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        value(field, Style::of_kind(shapes, field.kind), element, out)?;
    }
    out.push(b']');
    Ok(())
}

/// Writes a cell's value as JSON.
fn value(field: &Field, style: Style, text: &str, out: &mut Vec<u8>) -> Result<(), RowError> {
    let text = &*postgres::scalar(field.kind, text);
    let is_json = match style {
        Style::Text | Style::Bare => false,
        Style::Name => text.parse::<i32>().is_ok(),
        Style::Json => true,
    };
    if !is_json {
        quote(text, out);
        return Ok(());
    }
    // The cell must be exactly one JSON value, so that it cannot add other fields.
    if serde_json::from_str::<&RawValue>(text).is_err() {
        let expected = match (field.cardinality, field.kind) {
            (Cardinality::Repeated, _) => "a JSON array, or an array as PostgreSQL writes it without NULL",
            (Cardinality::Map(_), _) => "a JSON object",
            (_, Kind::Bool | Kind::Wrapper(Wrapped::Bool)) => "true or false, or t or f",
            _ => "JSON",
        };
        return Err(RowError::field(&field.name, "csv", format!("must be {expected}")));
    }
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn quote(text: &str, out: &mut Vec<u8>) {
    // Writing a string to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// Returns the error of a file whose first line does not contain names of fields.
pub(super) fn header_error(row_error: &RowError, line: u64) -> Error {
    let RowError { field, message, .. } = row_error;
    let subject = if field.is_empty() { "it" } else { field };
    let message = format!("line {line} must have the names of the model's fields: {subject} {message}");
    Error::new(Reason::MalformedRequest, message)
}

/// Writes the line with the names.
pub(super) fn write_names(model: &Model, out: &mut Vec<u8>) {
    for (at, field) in model.shape().fields.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(field.name.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes a record as a line.
pub(super) fn write_row(model: &Model, record: &Record, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut object = Vec::new();
    json::encode(&model.shapes, model.shape, record, &mut object);
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(&object).map_err(Error::internal)?;
    for (at, field) in model.shape().fields.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let Some(member) = members.get(&field.json_name).map(|value| value.get()) else { continue };
        let is_string = Style::of(&model.shapes, field) != Style::Json && member.starts_with('"');
        let is_present = field.cardinality != Cardinality::Implicit;
        if is_string {
            let text: String = serde_json::from_str(member).map_err(Error::internal)?;
            csv::write(&text, is_present, out);
        } else {
            csv::write(member, is_present, out);
        }
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}
