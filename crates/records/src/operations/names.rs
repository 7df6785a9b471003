//! The names in SQL statements. They come from the catalog and are quoted.

use crate::table::Table;
use groundplan_chassis::database::{Bind, Columns, PgRow, oid};
use groundplan_model::catalog::{IdFormat, Model};
use groundplan_query::bind::bind_id;
use groundplan_query::id::Id;
use uuid::Uuid;

/// Returns the columns of all fields, with the alias `r`.
pub(super) fn columns(table: &Table) -> String {
    let names: Vec<String> =
        table.columns.iter().map(|at| format!("r.{}", table.model.column_name(at.field))).collect();
    names.join(", ")
}

/// Returns the SQL type of an array of a model's ids.
pub(super) fn id_array(model: &Model) -> &'static str {
    match model.id_format {
        IdFormat::UuidV7 => "uuid[]",
        IdFormat::ClientAssigned => "text[]",
    }
}

/// Binds ids of a model as one array.
pub(super) fn bind_ids<'a>(model: &Model, ids: impl IntoIterator<Item = &'a Id>) -> Bind {
    let element = match model.id_format {
        IdFormat::UuidV7 => oid::UUID,
        IdFormat::ClientAssigned => oid::TEXT,
    };
    let ids: Vec<Bind> = ids.into_iter().map(bind_id).collect();
    Bind::array(element, &ids)
}

/// Reads the ids in the first column of rows.
pub(super) fn read_ids(model: &Model, rows: &[PgRow]) -> diesel::QueryResult<Vec<Id>> {
    rows.iter().map(|row| read_id(model, row, 0)).collect()
}

/// Reads an id of a model, or a reference to one.
pub(super) fn read_id(model: &Model, row: &PgRow, column: usize) -> diesel::QueryResult<Id> {
    let missing = || diesel::result::Error::DeserializationError(format!("column {column} has no id").into());
    match model.id_format {
        IdFormat::UuidV7 => row.array(column)?.map(|bytes| Id::Uuid(Uuid::from_bytes(bytes))).ok_or_else(missing),
        IdFormat::ClientAssigned => row.text(column)?.map(Id::Text).ok_or_else(missing),
    }
}
