//! Compares the existing objects with a revision: `IF NOT EXISTS` accepts any object of the same name.

use super::existing::{FOREIGN_KEYS, ObjectName, TRIGGERS, object_name, object_of, schemas, text};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns, Sql, rows};
use groundplan_model::catalog::{Catalog, Model, Table};
use groundplan_model::shape::{Cardinality, FieldId};
use groundplan_model::{empty_trigger_name, quote};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::LazyLock;

static COLUMNS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), \
         a.attnotnull, a.atthasdef \
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

static PRIMARY_KEYS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT n.nspname::text, c.relname::text, string_agg(a.attname::text, ', ' ORDER BY k.place) FROM pg_index i \
         JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place) \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
         WHERE n.nspname::text = ANY (?::text[]) AND i.indisprimary AND i.indisvalid GROUP BY 1, 2",
    )
});

/// The tenant column of each table.
const TENANT: &str = "_tenant";

/// The version column of each table.
const VERSION: &str = "_version";

/// The existing objects, by schema and name.
#[derive(Default)]
struct Objects {
    /// Columns and their properties.
    columns: HashMap<ObjectName, Column>,
    /// Foreign keys, and whether they can be deferred.
    foreign_keys: HashMap<ObjectName, bool>,
    triggers: HashSet<ObjectName>,
    /// Schema and table, and the columns of the primary key, separated by commas.
    primary_keys: HashMap<(String, String), String>,
    /// Schema and index, and whether it is unique.
    indexes: HashMap<(String, String), bool>,
}

/// The properties of an existing or expected column.
#[derive(PartialEq, Eq)]
struct Column {
    /// In the format of `format_type`.
    sql_type: String,
    not_null: bool,
    has_default: bool,
}

impl fmt::Display for Column {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sql_type)?;
        if self.not_null {
            formatter.write_str(" NOT NULL")?;
        }
        if self.has_default {
            formatter.write_str(" with a default")?;
        }
        Ok(())
    }
}

/// Describes the first difference between the storage and a revision; `None` if the storage is complete.
pub(super) async fn first_difference(conn: &mut AsyncPgConnection, target: &Catalog) -> QueryResult<Option<String>> {
    let binds = [schemas(target)];
    let mut objects = Objects::default();
    for row in rows(conn, &COLUMNS, &binds).await? {
        let flag = |at| row.bool(at).map(Option::unwrap_or_default);
        let column = Column { sql_type: text(&row, 3)?, not_null: flag(4)?, has_default: flag(5)? };
        objects.columns.insert(object_name(&row)?, column);
    }
    for row in rows(conn, &FOREIGN_KEYS, &binds).await? {
        objects.foreign_keys.insert(object_name(&row)?, row.bool(3)?.unwrap_or_default());
    }
    for row in rows(conn, &TRIGGERS, &binds).await? {
        objects.triggers.insert(object_name(&row)?);
    }
    for row in rows(conn, &PRIMARY_KEYS, &binds).await? {
        objects.primary_keys.insert((text(&row, 0)?, text(&row, 1)?), text(&row, 2)?);
    }
    for row in rows(conn, &INDEXES, &binds).await? {
        objects.indexes.insert((text(&row, 0)?, text(&row, 1)?), row.bool(2)?.unwrap_or_default());
    }
    Ok(target.models.iter().find_map(|model| {
        let difference = objects.column_difference(model).or_else(|| objects.primary_key_difference(model));
        difference.or_else(|| objects.index_difference(model)).or_else(|| objects.foreign_key_difference(model))
    }))
}

impl Objects {
    fn column_difference(&self, model: &Model) -> Option<String> {
        let common = [(TENANT, required("text")), (VERSION, required("bigint"))];
        let columns = model.columns().map(|(id, field)| (field.storage_name.as_str(), expected(model, id)));
        common.into_iter().chain(columns).find_map(|(name, expected)| {
            let (schema, table) = (&model.table.schema, &model.table.name);
            match self.columns.get(&object_of(&model.table, name)) {
                None => Some(format!("table {schema}.{table} has no column {name}; apply again")),
                Some(column) if *column == expected || self.is_becoming_reference(model, name, column) => None,
                Some(Column { sql_type, .. }) if expected == nullable(sql_type) && is_reference(model, name) => Some(format!(
                    "column {name} of table {schema}.{table} is an ordinary {sql_type} and not a reference yet; apply again"
                )),
                Some(column) => Some(format!(
                    "column {name} of table {schema}.{table} is {column}, but {} needs {expected}: a failed apply left \
                     it; give the field another name, or drop the column with `ALTER TABLE {} DROP COLUMN {}`",
                    model.full_name,
                    model.table.qualified(),
                    quote(name)
                )),
            }
        })
    }

    /// Reports whether the column is an ordinary text in this revision and a reference in a later one. Processes of both
    /// revisions can use it.
    fn is_becoming_reference(&self, model: &Model, name: &str, column: &Column) -> bool {
        let trigger = empty_trigger_name(&model.table, name);
        *column == nullable("text") && self.triggers.contains(&object_of(&model.table, &trigger))
    }

    /// Create depends on the primary key: it detects existing ids.
    fn primary_key_difference(&self, model: &Model) -> Option<String> {
        let (schema, table) = (&model.table.schema, &model.table.name);
        let id = &model.shape().field(model.roles.id).storage_name;
        let expected = format!("{TENANT}, {id}");
        let primary_key = self.primary_keys.get(&(schema.clone(), table.clone()));
        if primary_key == Some(&expected) {
            return None;
        }
        let actual =
            primary_key.map_or_else(|| "no primary key".to_owned(), |columns| format!("the primary key ({columns})"));
        Some(format!(
            "table {schema}.{table} has {actual}, but {} needs one on ({expected}): a failed apply left the table, \
             or somebody changed it; add the key with `ALTER TABLE {table_name} ADD PRIMARY KEY ({tenant}, {column})`, or \
             drop the table if nobody needs its records",
            model.full_name,
            table_name = model.table.qualified(),
            column = quote(id),
            tenant = TENANT,
        ))
    }

    fn foreign_key_difference(&self, model: &Model) -> Option<String> {
        model.references.iter().find_map(|reference| {
            let Table { schema, name } = &model.table;
            let key = &reference.constraint;
            let state = match self.foreign_keys.get(&object_of(&model.table, key)) {
                Some(true) => return None,
                Some(false) => "cannot be deferred",
                None => "is missing or not valid",
            };
            Some(format!("foreign key {key} of table {schema}.{name} {state}; apply again"))
        })
    }

    fn index_difference(&self, model: &Model) -> Option<String> {
        model.indexes.iter().find_map(|index| {
            let key = (model.table.schema.clone(), index.name.clone());
            (self.indexes.get(&key) != Some(&index.unique))
                .then(|| format!("index {}.{} is missing or not valid; apply again", model.table.schema, index.name))
        })
    }
}

/// Reports whether a column belongs to a reference.
fn is_reference(model: &Model, column: &str) -> bool {
    model.shape().by_storage_name(column).is_some_and(|field| model.reference(field).is_some())
}

/// Returns a column that can be NULL, like those of references.
fn nullable(sql_type: &str) -> Column {
    Column { sql_type: sql_type.to_owned(), not_null: false, has_default: false }
}

/// Returns a column that must always have a value.
fn required(sql_type: &str) -> Column {
    Column { sql_type: sql_type.to_owned(), not_null: true, has_default: false }
}

/// Returns the expected column of a field.
fn expected(model: &Model, field: FieldId) -> Column {
    let sql_type = match model.column_type(field) {
        "timestamptz" => "timestamp with time zone",
        "numeric(20)" => "numeric(20,0)",
        "numeric(20)[]" => "numeric(20,0)[]",
        // Tables of versions without a collation for texts keep that of the database.
        other => other.trim_end_matches(" COLLATE \"C\""),
    };
    let roles = &model.roles;
    let is_set_by_system = Some(field) == roles.created_at || Some(field) == roles.updated_at;
    if model.reference(field).is_some() {
        return nullable(sql_type);
    }
    let is_never_null = match model.shape().field(field).cardinality {
        Cardinality::Implicit | Cardinality::Repeated | Cardinality::Map(_) => true,
        Cardinality::Explicit | Cardinality::Oneof(_) => is_set_by_system,
    };
    match field == roles.id {
        true => required(sql_type),
        false => Column { sql_type: sql_type.to_owned(), not_null: is_never_null, has_default: is_never_null },
    }
}
