//! Looks at what is really there: `IF NOT EXISTS` is content with anything of the same name.

use crate::table;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns, PgRow, Sql, oid, rows};
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::shape::FieldId;
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

static COLUMNS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname::text = ANY (?::text[]) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped",
    )
});

static INDEXES: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT n.nspname::text, c.relname::text, i.indisunique FROM pg_index i \
         JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname::text = ANY (?::text[]) AND i.indisvalid",
    )
});

/// What is there, by schema and name.
struct Found {
    /// Schema, table and column to type.
    columns: HashMap<(String, String, String), String>,
    /// Schema and index to whether it is unique.
    indexes: HashMap<(String, String), bool>,
}

/// Says what the storage of a revision lacks first, if it lacks anything.
pub(super) async fn lacks(conn: &mut AsyncPgConnection, target: &Catalog) -> QueryResult<Option<String>> {
    let schemas: BTreeSet<&str> = target.models.iter().map(|model| model.table.schema.as_str()).collect();
    let schemas: Vec<Bind> = schemas.into_iter().map(Bind::text).collect();
    let binds = [Bind::array(oid::TEXT, &schemas)];
    let mut found = Found { columns: HashMap::new(), indexes: HashMap::new() };
    for row in rows(conn, &COLUMNS, &binds).await? {
        found.columns.insert((text(&row, 0)?, text(&row, 1)?, text(&row, 2)?), text(&row, 3)?);
    }
    for row in rows(conn, &INDEXES, &binds).await? {
        found.indexes.insert((text(&row, 0)?, text(&row, 1)?), row.bool(2)?.unwrap_or_default());
    }
    Ok(target.models.iter().find_map(|model| found.lacks_column(model).or_else(|| found.lacks_index(model))))
}

impl Found {
    fn lacks_column(&self, model: &Model) -> Option<String> {
        let own = [(table::TENANT.to_owned(), "text"), (table::VERSION.to_owned(), "bigint")];
        let columns = model.columns().map(|(id, field)| (field.storage_name.clone(), expected(model, id)));
        own.into_iter().chain(columns).find_map(|(name, expected)| {
            let key = (model.table.schema.clone(), model.table.name.clone(), name.clone());
            let (schema, table) = (&model.table.schema, &model.table.name);
            match self.columns.get(&key) {
                None => Some(format!("table {schema}.{table} has no column {name}; apply again")),
                Some(found) if found == expected => None,
                Some(found) => Some(format!(
                    "column {name} of table {schema}.{table} is {found}, but {} needs {expected}: an apply that failed has \
                     left it; give the field another name, or drop the column with \
                     `ALTER TABLE {schema}.{table} DROP COLUMN {name}`",
                    model.full_name
                )),
            }
        })
    }

    fn lacks_index(&self, model: &Model) -> Option<String> {
        model.indexes.iter().find_map(|index| {
            let key = (model.table.schema.clone(), index.name.clone());
            (self.indexes.get(&key) != Some(&index.unique))
                .then(|| format!("index {}.{} is missing or not valid; apply again", model.table.schema, index.name))
        })
    }
}

/// The type of a field's column, as `format_type` writes it.
fn expected(model: &Model, field: FieldId) -> &'static str {
    match model.column_type(field) {
        "timestamptz" => "timestamp with time zone",
        "numeric(20)" => "numeric(20,0)",
        "numeric(20)[]" => "numeric(20,0)[]",
        "text COLLATE \"C\"" => "text",
        same => same,
    }
}

fn text(row: &PgRow, at: usize) -> QueryResult<String> {
    Ok(row.text(at)?.unwrap_or_default())
}
