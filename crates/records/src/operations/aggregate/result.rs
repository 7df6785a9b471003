//! Converts the results of PostgreSQL to typed values.

use crate::clock::timestamp;
use groundplan_chassis::database::{
    Columns as _, PgRow, database_error, decode_interval, decode_numeric_u64, decode_timestamptz,
};
use groundplan_codec::LONGEST_DURATION;
use groundplan_error::{Error, Reason};
use groundplan_expr::OrderKey;
use groundplan_expr::ir::Type;
use groundplan_proto::query::v1::Value;
use groundplan_proto::query::v1::value::Kind;

const MICROSECONDS: i64 = 1_000_000;

/// The SQL of a field's value.
#[derive(Debug)]
pub(super) struct Column {
    /// The model's SQL expression, to group and order by.
    sql: String,
    /// The same expression, cast to the type that is read.
    key: String,
    form: Form,
}

/// The PostgreSQL type in which a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Boolean,
    Bigint,
    Numeric,
    DoublePrecision,
    Text,
    Bytea,
    Timestamptz,
    Interval,
}

/// The way to read the result of an aggregation.
#[derive(Debug)]
pub(super) enum Outcome {
    Count,
    /// A value of a field's type.
    Value(Column),
    /// An exact sum, read as text.
    SumOfInts,
    SumOfUints,
    SumOfDurations,
    /// The sum, followed by the count.
    AverageOfDoubles,
    AverageOfDurations,
}

impl Column {
    /// Returns the column of a field, or `None` if the field is not a single value.
    pub(super) fn of(key: &OrderKey) -> Option<Self> {
        let form = match key.field.ty {
            Type::Bool => Form::Boolean,
            Type::Int | Type::Enum(_) => Form::Bigint,
            Type::Uint => Form::Numeric,
            Type::Double => Form::DoublePrecision,
            Type::String => Form::Text,
            Type::Bytes => Form::Bytea,
            Type::Timestamp => Form::Timestamptz,
            Type::Duration => Form::Interval,
            Type::Message(_) | Type::List(_) | Type::Map(..) | Type::Opaque | Type::Null => return None,
        };
        Some(Self { sql: key.sql.clone(), key: format!("({})::{}", key.sql, form.sql_type()), form })
    }

    /// Returns the column of a computed double.
    pub(super) fn double() -> Self {
        Self { sql: String::new(), key: String::new(), form: Form::DoublePrecision }
    }

    pub(super) fn sql(&self) -> &str {
        &self.sql
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn sql_type(&self) -> &'static str {
        self.form.sql_type()
    }

    /// Reads the value. Returns `None` if it is absent.
    pub(super) fn read(&self, row: &PgRow, at: usize) -> Result<Option<Value>, Error> {
        let kind = row.bytes(at, |bytes| bytes.map(|bytes| self.form.kind(bytes))).map_err(database_error)?;
        match kind {
            None => Ok(None),
            Some(Some(kind)) => Ok(Some(Value { kind: Some(kind) })),
            Some(None) => {
                let words =
                    format!("a row has a value of {} that its field cannot hold; correct it with SQL", self.sql);
                Err(Error::internal(words))
            }
        }
    }
}

impl Form {
    fn sql_type(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Bigint => "bigint",
            Self::Numeric => "numeric",
            Self::DoublePrecision => "double precision",
            Self::Text => "text",
            Self::Bytea => "bytea",
            Self::Timestamptz => "timestamptz",
            Self::Interval => "interval",
        }
    }

    /// Decodes a value from PostgreSQL's binary format. Returns `None` if its type cannot hold it.
    fn kind(self, bytes: &[u8]) -> Option<Kind> {
        Some(match self {
            Self::Boolean => Kind::BoolValue(bytes != [0]),
            Self::Bigint => Kind::Int64Value(i64::from_be_bytes(bytes.try_into().ok()?)),
            Self::Numeric => Kind::Uint64Value(decode_numeric_u64(bytes)?),
            Self::DoublePrecision => Kind::DoubleValue(f64::from_be_bytes(bytes.try_into().ok()?)),
            Self::Text => Kind::StringValue(String::from_utf8(bytes.to_vec()).ok()?),
            Self::Bytea => Kind::BytesValue(bytes.to_vec()),
            Self::Timestamptz => Kind::TimestampValue(timestamp(decode_timestamptz(bytes)?)),
            Self::Interval => duration(decode_interval(bytes)?)?,
        })
    }
}

impl Outcome {
    /// Returns the number of columns that the result is read from.
    pub(super) fn width(&self) -> usize {
        if matches!(self, Self::AverageOfDoubles | Self::AverageOfDurations) { 2 } else { 1 }
    }

    /// Reads the result. Returns `None` if no record contributed to it.
    pub(super) fn read(&self, row: &PgRow, at: usize, name: &str) -> Result<Option<Value>, Error> {
        let kind = match self {
            Self::Value(column) => return column.read(row, at),
            Self::Count => row.i64(at).map_err(database_error)?.map(Kind::Int64Value),
            Self::SumOfInts => {
                let sum = row.text(at).map_err(database_error)?;
                let sum = sum.map(|sum| sum.parse().map_err(|_| overflow(name, "int64")));
                sum.transpose()?.map(Kind::Int64Value)
            }
            Self::SumOfUints => {
                let sum = row.text(at).map_err(database_error)?;
                let sum = sum.map(|sum| sum.parse().map_err(|_| overflow(name, "uint64")));
                sum.transpose()?.map(Kind::Uint64Value)
            }
            Self::SumOfDurations => {
                let sum = row.bytes(at, |bytes| bytes.map(|bytes| decode_interval(bytes).and_then(duration)));
                let sum = sum.map_err(database_error)?;
                sum.map(|sum| sum.ok_or_else(|| overflow(name, "google.protobuf.Duration"))).transpose()?
            }
            Self::AverageOfDoubles => {
                let sum = row.array(at).map_err(database_error)?.map(f64::from_be_bytes);
                let count = row.i64(at + 1).map_err(database_error)?;
                sum.zip(count).map(|(sum, count)| Kind::DoubleValue(quotient(sum, count)))
            }
            Self::AverageOfDurations => {
                let sum = row.bytes(at, |bytes| bytes.map(decode_interval)).map_err(database_error)?;
                let sum = sum.map(|sum| sum.ok_or_else(|| overflow(name, "google.protobuf.Duration"))).transpose()?;
                let count = row.i64(at + 1).map_err(database_error)?;
                // No average is longer than the longest duration.
                sum.zip(count).and_then(|(sum, count)| sum.checked_div(count)).and_then(duration)
            }
        };
        Ok(kind.map(|kind| Value { kind: Some(kind) }))
    }
}

/// Returns the mean. A mean that is too small for a double is zero, as in IEEE 754.
#[expect(clippy::cast_precision_loss, reason = "a table has fewer rows than a double has whole numbers")]
fn quotient(sum: f64, count: i64) -> f64 {
    sum / count as f64
}

/// Converts microseconds to a duration. Returns `None` if they exceed the longest duration.
fn duration(microseconds: i64) -> Option<Kind> {
    let nanos = i32::try_from(microseconds % MICROSECONDS * 1_000).ok()?;
    let duration = prost_types::Duration { seconds: microseconds / MICROSECONDS, nanos };
    (microseconds.unsigned_abs() <= LONGEST_DURATION.unsigned_abs()).then_some(Kind::DurationValue(duration))
}

/// Returns the error for a sum that does not fit its type.
fn overflow(name: &str, of_type: &str) -> Error {
    let message = format!("{name} does not fit {of_type}; filter, or group by a field");
    Error::new(Reason::SumOverflow, message).with("name", name)
}
