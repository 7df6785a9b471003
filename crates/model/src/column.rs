//! The columns that store fields.

use crate::catalog::{IdFormat, Model};
use crate::shape::{Cardinality, Field, FieldId, Kind, Wrapped};

/// Returns the PostgreSQL type of a field's column, except for ids: see [`Model::column_type`]. Texts sort by the bytes
/// of their UTF-8, which is the order of Unicode code points and the same on every machine.
pub fn column_type(field: &Field) -> &'static str {
    match field.cardinality {
        Cardinality::Map(_) => "jsonb",
        Cardinality::Repeated => match field.kind {
            Kind::Bool => "boolean[]",
            Kind::Integer(integer) if integer.exceeds_bigint() => "numeric(20)[]",
            Kind::Integer(_) => "bigint[]",
            Kind::Float | Kind::Double => "double precision[]",
            Kind::String => "text[] COLLATE \"C\"",
            Kind::Bytes => "bytea[]",
            Kind::Enum(_) => "integer[]",
            _ => "jsonb",
        },
        Cardinality::Implicit | Cardinality::Explicit | Cardinality::Oneof(_) => single_column_type(field.kind),
    }
}

fn single_column_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool | Kind::Wrapper(Wrapped::Bool) => "boolean",
        Kind::Integer(integer) | Kind::Wrapper(Wrapped::Integer(integer)) => {
            if integer.exceeds_bigint() {
                "numeric(20)"
            } else {
                "bigint"
            }
        }
        Kind::Float | Kind::Double | Kind::Wrapper(Wrapped::Float | Wrapped::Double) => "double precision",
        Kind::String | Kind::Wrapper(Wrapped::String) => "text COLLATE \"C\"",
        Kind::Bytes | Kind::Wrapper(Wrapped::Bytes) => "bytea",
        Kind::Enum(_) => "integer",
        Kind::Timestamp => "timestamptz",
        Kind::Duration => "interval",
        Kind::FieldMask => "text[] COLLATE \"C\"",
        Kind::Message(_) | Kind::Struct | Kind::Value | Kind::ListValue | Kind::Empty => "jsonb",
    }
}

/// Returns the default of a column that is never NULL, or `None` if the column is nullable.
pub(crate) fn column_default(field: &Field) -> Option<&'static str> {
    match field.cardinality {
        Cardinality::Explicit | Cardinality::Oneof(_) => None,
        Cardinality::Map(_) => Some("'{}'"),
        Cardinality::Repeated => Some(if column_type(field) == "jsonb" { "'[]'" } else { "'{}'" }),
        Cardinality::Implicit => Some(match field.kind {
            Kind::Bool => "false",
            Kind::String | Kind::Bytes => "''",
            _ => "0",
        }),
    }
}

impl Model {
    /// Lists the fields that have a column, in the order of field numbers. The etag has none: `_version` replaces it.
    pub fn columns(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        self.shape().iter().filter(|(id, _)| Some(*id) != self.roles.etag)
    }

    /// Returns the PostgreSQL type of a field's column, with its collation. A reference has the type of the referenced
    /// id.
    pub fn column_type(&self, id: FieldId) -> &'static str {
        let is_id = (id == self.roles.id).then_some(self.id_format);
        match is_id.or_else(|| self.reference(id).map(|reference| reference.target_ids)) {
            Some(IdFormat::UuidV7) => "uuid",
            Some(IdFormat::ClientAssigned) => "text COLLATE \"C\"",
            None => column_type(self.shape().field(id)),
        }
    }
}
