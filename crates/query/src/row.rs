//! Converts rows in PostgreSQL's binary formats to records.
//!
//! SQL users can write values that a field cannot hold. Such a value is an error that names its column; values are never changed
//! to fit.

use crate::column::{Column, ColumnKind, Scalar};
use bytes::Bytes;
use diesel::QueryResult;
use groundplan_chassis::database::{
    Columns, PgRow, database_error, decode_array, decode_interval, decode_jsonb, decode_numeric_u64, decode_timestamptz,
};
use groundplan_codec::{FIRST_TIME, LAST_TIME, LONGEST_DURATION, Record, Value, storage};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_model::shape::{Field, Kind, Wrapped};
use std::ops::RangeInclusive;
use uuid::Uuid;

/// The range of google.protobuf.Timestamp, years 1 to 9999, in microseconds since the Unix epoch.
const TIMES: RangeInclusive<i64> = FIRST_TIME..=LAST_TIME;

/// Why a value does not fit its field, as a predicate after the column's name.
type Mismatch = String;

/// The columns of a row of any client library, as the bytes from PostgreSQL.
pub trait Cells {
    /// Passes the bytes of a column to `read`; `None` for NULL.
    fn cell<R>(&self, column: usize, read: impl FnOnce(Option<&[u8]>) -> R) -> QueryResult<R>;
}

struct DieselRow<'a>(&'a PgRow);

impl Cells for DieselRow<'_> {
    fn cell<R>(&self, column: usize, read: impl FnOnce(Option<&[u8]>) -> R) -> QueryResult<R> {
        self.0.bytes(column, read)
    }
}

/// Reads a record from a row whose columns start at `offset`.
///
/// # Errors
/// `INTERNAL` if a value does not fit its field.
pub fn record(model: &Model, columns: &[Column], row: &PgRow, offset: usize) -> Result<Record, Error> {
    record_of(model, columns, &DieselRow(row), offset)
}

/// Like [`record`], for a row of any library.
pub fn record_of(model: &Model, columns: &[Column], row: &impl Cells, offset: usize) -> Result<Record, Error> {
    let shape = model.shape();
    let mut record = Record::new(shape);
    for (column, at) in columns.iter().zip(offset..) {
        let field = shape.field(column.field);
        let read = row.cell(at, |bytes| bytes.map(|bytes| value(model, field, column.kind, bytes)).transpose());
        let value = read.map_err(database_error)?.map_err(|mismatch| mismatch_error(model, field, &mismatch))?;
        if value.is_some() {
            record.set_in(shape, column.field, value);
        }
    }
    Ok(record)
}

/// Reads the version from the first column of a row.
pub fn version(row: &PgRow) -> Result<i64, Error> {
    row.i64(0).map_err(database_error)?.ok_or_else(|| Error::internal("a row has no version"))
}

fn mismatch_error(model: &Model, field: &Field, mismatch: &str) -> Error {
    Error::internal(format!(
        "column {} of table {}.{} {mismatch}, which field {} cannot hold; correct the row with SQL",
        field.storage_name, model.table.schema, model.table.name, field.name
    ))
}

/// Reads a column's value.
fn value(model: &Model, field: &Field, kind: ColumnKind, bytes: &[u8]) -> Result<Value, Mismatch> {
    Ok(match kind {
        ColumnKind::Uuid => {
            let uuid = Uuid::from_slice(bytes).map_err(|error| error.to_string())?;
            Value::String(uuid.hyphenated().to_string())
        }
        ColumnKind::Scalar(scalar) => single(field, scalar, bytes)?,
        ColumnKind::Array(element) => Value::List(array(bytes, |bytes| single(field, element, bytes))?),
        ColumnKind::Json => {
            let text = decode_jsonb(bytes).ok_or("is jsonb of an unknown version")?;
            storage::decode(&model.shapes, field, text).map_err(|error| format!("holds JSON that {error}"))?
        }
    })
}

/// Reads one value.
fn single(field: &Field, scalar: Scalar, bytes: &[u8]) -> Result<Value, Mismatch> {
    Ok(match scalar {
        Scalar::Boolean => Value::Bool(bytes != [0]),
        Scalar::Bigint => Value::Int(integer(field.kind, i64::from_be_bytes(fixed(bytes)?))?),
        Scalar::Numeric => {
            Value::Uint(decode_numeric_u64(bytes).ok_or("is not a whole number from 0 to 18446744073709551615")?)
        }
        Scalar::DoublePrecision => Value::Double(double(field.kind, f64::from_be_bytes(fixed(bytes)?))?),
        Scalar::Text => Value::String(text(bytes)?),
        Scalar::Bytea => Value::Bytes(Bytes::copy_from_slice(bytes)),
        Scalar::Integer => Value::Enum(i32::from_be_bytes(fixed(bytes)?)),
        Scalar::Timestamptz => {
            let time = decode_timestamptz(bytes).filter(|time| TIMES.contains(time));
            Value::Timestamp(time.ok_or("is a time outside of the years 1 to 9999")?)
        }
        Scalar::Interval => {
            let duration =
                decode_interval(bytes).filter(|duration| duration.unsigned_abs() <= LONGEST_DURATION.unsigned_abs());
            Value::Duration(duration.ok_or("is an interval beyond 10,000 years")?)
        }
        Scalar::Paths => Value::FieldMask(array(bytes, text)?),
    })
}

/// Reads an array without nulls.
fn array<T>(bytes: &[u8], read: impl Fn(&[u8]) -> Result<T, Mismatch>) -> Result<Vec<T>, Mismatch> {
    let elements = decode_array(bytes).ok_or("is not an array")?;
    elements.map(|element| read(element.ok_or("is an array with a null in it")?)).collect()
}

/// Checks that a value is in the range of the field's integer type.
fn integer(kind: Kind, value: i64) -> Result<i64, Mismatch> {
    let (Kind::Integer(integer) | Kind::Wrapper(Wrapped::Integer(integer))) = kind else { return Ok(value) };
    if integer.range().contains(&i128::from(value)) { Ok(value) } else { Err(format!("is {value}")) }
}

/// Rounds a number with more digits than a `float` field holds. A number that is too large for the field is an error.
#[expect(clippy::cast_possible_truncation, reason = "rounding to the nearest float is intended")]
fn double(kind: Kind, value: f64) -> Result<f64, Mismatch> {
    if !matches!(kind, Kind::Float | Kind::Wrapper(Wrapped::Float)) {
        return Ok(value);
    }
    let rounded = f64::from(value as f32);
    if rounded.is_infinite() && value.is_finite() { Err(format!("is {value}")) } else { Ok(rounded) }
}

fn text(bytes: &[u8]) -> Result<String, Mismatch> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| error.to_string())
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Mismatch> {
    bytes.try_into().map_err(|_| format!("has {} bytes instead of {N}", bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::{array, double, integer, text};
    use groundplan_chassis::database::{Bind, oid};
    use groundplan_model::shape::{Integer, Kind};

    #[test]
    fn integers_out_of_range_are_errors() {
        assert_eq!(integer(Kind::Integer(Integer::Int32), -2_147_483_648), Ok(-2_147_483_648));
        assert!(integer(Kind::Integer(Integer::Int32), 2_147_483_648).is_err());
        assert!(integer(Kind::Integer(Integer::Uint32), -1).is_err());
        assert_eq!(integer(Kind::Integer(Integer::Int64), i64::MIN), Ok(i64::MIN));
    }

    #[test]
    fn floats_are_rounded_but_never_infinite() {
        assert_eq!(double(Kind::Float, 0.1), Ok(f64::from(0.1_f32)));
        assert_eq!(double(Kind::Double, 0.1), Ok(0.1));
        assert_eq!(double(Kind::Float, f64::INFINITY), Ok(f64::INFINITY));
        assert!(double(Kind::Float, f64::NAN).unwrap().is_nan());
        assert!(double(Kind::Float, 1e300).is_err());
    }

    #[test]
    fn nulls_in_arrays_are_errors() {
        let texts = Bind::array(oid::TEXT, &[Bind::text("a"), Bind::text("")]);
        assert_eq!(array(texts.as_bytes().unwrap(), text), Ok(vec!["a".to_owned(), String::new()]));
        let null = Bind::array(oid::TEXT, &[Bind::text("a"), Bind::Null]);
        assert!(array(null.as_bytes().unwrap(), text).unwrap_err().contains("null"));
        assert!(array(&[0, 0], text).is_err());
    }
}
