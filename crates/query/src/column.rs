//! The mapping of a model's fields to the columns of its table.

use groundplan_chassis::database::oid;
use groundplan_model::catalog::{IdFormat, Model};
use groundplan_model::shape::{Cardinality, Field, FieldId, Kind, Wrapped};

/// A field's column.
#[derive(Clone, Debug)]
pub struct Column {
    pub field: FieldId,
    pub kind: ColumnKind,
    /// The representation of an absent value.
    pub absence: Absence,
    /// Whether it holds the id of another record. NULL then also represents the empty text.
    pub is_reference: bool,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// The id of a record of a model whose ids are UUIDs.
    Uuid,
    Scalar(Scalar),
    Array(Scalar),
    Json,
}

/// The type of a column or of the elements of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    Boolean,
    Bigint,
    Numeric,
    DoublePrecision,
    Text,
    Bytea,
    Integer,
    Timestamptz,
    Interval,
    /// `text[]` of a field mask.
    Paths,
}

/// The representation of an absent value in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    Null,
    /// Zero, or empty: the column is `NOT NULL`.
    Zero,
}

impl Column {
    /// Returns the columns of a model in the order of its fields. The etag has none: it is derived from `_version`.
    pub fn of_model(model: &Model) -> Vec<Self> {
        let stored = model.columns();
        stored.map(|(id, field)| Self::of_field(model, id, field)).collect()
    }

    fn of_field(model: &Model, id: FieldId, field: &Field) -> Self {
        let is_id = id == model.roles.id;
        let is_time = Some(id) == model.roles.created_at || Some(id) == model.roles.updated_at;
        let reference = model.reference(id);
        let ids = if is_id { Some(model.id_format) } else { reference.map(|reference| reference.target_ids) };
        let kind = if ids == Some(IdFormat::UuidV7) { ColumnKind::Uuid } else { kind(field) };
        let absence = match field.cardinality {
            _ if is_id || is_time => Absence::Zero,
            _ if reference.is_some() => Absence::Null,
            Cardinality::Explicit | Cardinality::Oneof(_) => Absence::Null,
            Cardinality::Implicit | Cardinality::Repeated | Cardinality::Map(_) => Absence::Zero,
        };
        Self { field: id, kind, absence, is_reference: reference.is_some() }
    }
}

/// Returns the column type of a field that is neither an id nor a reference.
fn kind(field: &Field) -> ColumnKind {
    match (field.cardinality, field.kind) {
        (Cardinality::Map(_), _) => ColumnKind::Json,
        (Cardinality::Repeated, Kind::Bool | Kind::Integer(_) | Kind::Float | Kind::Double)
        | (Cardinality::Repeated, Kind::String | Kind::Bytes | Kind::Enum(_)) => {
            scalar(field.kind).map_or(ColumnKind::Json, ColumnKind::Array)
        }
        (Cardinality::Repeated, _) => ColumnKind::Json,
        (_, kind) => scalar(kind).map_or(ColumnKind::Json, ColumnKind::Scalar),
    }
}

/// Returns the type of a single value; `None` if it is stored as JSON.
fn scalar(kind: Kind) -> Option<Scalar> {
    Some(match kind {
        Kind::Bool | Kind::Wrapper(Wrapped::Bool) => Scalar::Boolean,
        Kind::Integer(integer) | Kind::Wrapper(Wrapped::Integer(integer)) => {
            if integer.exceeds_bigint() {
                Scalar::Numeric
            } else {
                Scalar::Bigint
            }
        }
        Kind::Float | Kind::Double | Kind::Wrapper(Wrapped::Float | Wrapped::Double) => Scalar::DoublePrecision,
        Kind::String | Kind::Wrapper(Wrapped::String) => Scalar::Text,
        Kind::Bytes | Kind::Wrapper(Wrapped::Bytes) => Scalar::Bytea,
        Kind::Enum(_) => Scalar::Integer,
        Kind::Timestamp => Scalar::Timestamptz,
        Kind::Duration => Scalar::Interval,
        Kind::FieldMask => Scalar::Paths,
        Kind::Message(_) | Kind::Struct | Kind::Value | Kind::ListValue | Kind::Empty => return None,
    })
}

impl Scalar {
    /// Returns PostgreSQL's OID of the type, or of the elements of an array.
    pub const fn oid(self) -> u32 {
        match self {
            Self::Boolean => oid::BOOL,
            Self::Bytea => oid::BYTEA,
            Self::Bigint => oid::INT8,
            Self::Integer => oid::INT4,
            Self::Text | Self::Paths => oid::TEXT,
            Self::DoublePrecision => oid::FLOAT8,
            Self::Timestamptz => oid::TIMESTAMPTZ,
            Self::Interval => oid::INTERVAL,
            Self::Numeric => oid::NUMERIC,
        }
    }
}
