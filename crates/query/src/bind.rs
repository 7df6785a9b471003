//! Converts values of a record to binds of a statement.

use crate::column::{Absence, Column, ColumnKind, Scalar};
use crate::id::Id;
use crate::references;
use groundplan_chassis::database::Bind;
use groundplan_codec::{Record, Value, storage};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_model::shape::{Cardinality, Field};
use uuid::Uuid;

/// Returns the bind of a record's column.
///
/// # Errors
/// A violation if a reference is not a UUID; `INTERNAL` if the value is not of the field's kind.
pub fn bind(model: &Model, column: &Column, record: &Record) -> Result<Bind, Error> {
    let field = model.shape().field(column.field);
    match (record.get(column.field), column.absence) {
        (Some(Value::String(text)), Absence::Null) if column.is_reference && text.is_empty() => Ok(Bind::Null),
        (Some(Value::String(text)), _) if column.is_reference && column.kind == ColumnKind::Uuid => {
            let uuid = references::uuid(text).ok_or_else(|| Error::invalid(vec![references::not_a_uuid(field)]))?;
            Ok(Bind::uuid(uuid.into_bytes()))
        }
        (Some(value), _) => present(model, field, column.kind, value),
        (None, Absence::Null) => Ok(Bind::Null),
        (None, Absence::Zero) => zero(model, field, column.kind),
    }
}

/// Returns the bind of a valid id.
pub fn bind_id(id: &Id) -> Bind {
    match id {
        Id::Uuid(uuid) => Bind::uuid(uuid.into_bytes()),
        Id::Text(text) => Bind::text(text),
    }
}

fn present(model: &Model, field: &Field, kind: ColumnKind, value: &Value) -> Result<Bind, Error> {
    match (kind, value) {
        (ColumnKind::Uuid, Value::String(text)) => {
            Uuid::try_parse(text).map(|uuid| Bind::uuid(uuid.into_bytes())).map_err(|_| mismatch(field, value))
        }
        (ColumnKind::Scalar(scalar), value) => single(scalar, value).ok_or_else(|| mismatch(field, value)),
        (ColumnKind::Array(element), Value::List(values)) => {
            let binds: Option<Vec<Bind>> = values.iter().map(|value| single(element, value)).collect();
            Ok(Bind::array(element.oid(), &binds.ok_or_else(|| mismatch(field, value))?))
        }
        (ColumnKind::Json, value) => Ok(json(model, field, value)),
        _ => Err(mismatch(field, value)),
    }
}

/// Returns what a `NOT NULL` column holds for an absent value.
fn zero(model: &Model, field: &Field, kind: ColumnKind) -> Result<Bind, Error> {
    Ok(match kind {
        ColumnKind::Scalar(Scalar::Boolean) => Bind::bool(false),
        ColumnKind::Scalar(Scalar::Bigint) => Bind::i64(0),
        ColumnKind::Scalar(Scalar::Numeric) => Bind::numeric(0),
        ColumnKind::Scalar(Scalar::DoublePrecision) => Bind::f64(0.0),
        ColumnKind::Scalar(Scalar::Text) => Bind::text(""),
        ColumnKind::Scalar(Scalar::Bytea) => Bind::bytes(Vec::new()),
        ColumnKind::Scalar(Scalar::Integer) => Bind::i32(0),
        ColumnKind::Array(element) => Bind::array(element.oid(), &[]),
        ColumnKind::Json if matches!(field.cardinality, Cardinality::Map(_)) => {
            json(model, field, &Value::Map(Vec::new()))
        }
        ColumnKind::Json => json(model, field, &Value::List(Vec::new())),
        ColumnKind::Uuid | ColumnKind::Scalar(Scalar::Timestamptz | Scalar::Interval | Scalar::Paths) => {
            return Err(Error::internal(format!("field {} must be set before it is stored", field.name)));
        }
    })
}

/// Returns the bind of one value; `None` if it is not of the type.
fn single(scalar: Scalar, value: &Value) -> Option<Bind> {
    Some(match (scalar, value) {
        (Scalar::Boolean, Value::Bool(value)) => Bind::bool(*value),
        (Scalar::Bigint, Value::Int(value)) => Bind::i64(*value),
        (Scalar::Numeric, Value::Uint(value)) => Bind::numeric(*value),
        (Scalar::DoublePrecision, Value::Double(value)) => Bind::f64(*value),
        (Scalar::Text, Value::String(value)) => Bind::text(value),
        (Scalar::Bytea, Value::Bytes(value)) => Bind::bytes(value.clone()),
        (Scalar::Integer, Value::Enum(value)) => Bind::i32(*value),
        (Scalar::Timestamptz, Value::Timestamp(value)) => Bind::timestamptz(*value),
        (Scalar::Interval, Value::Duration(value)) => Bind::interval(*value),
        (Scalar::Paths, Value::FieldMask(paths)) => {
            let binds: Vec<Bind> = paths.iter().map(|path| Bind::text(path)).collect();
            Bind::array(Scalar::Text.oid(), &binds)
        }
        _ => return None,
    })
}

fn json(model: &Model, field: &Field, value: &Value) -> Bind {
    let mut text = Vec::new();
    storage::encode(&model.shapes, field, value, &mut text);
    Bind::jsonb(text)
}

fn mismatch(field: &Field, value: &Value) -> Error {
    Error::internal(format!("field {} of kind {:?} holds {value:?}", field.name, field.kind))
}
