//! Looks at what is really there: `IF NOT EXISTS` is content with anything of the same name.

use super::existing::{FOREIGN_KEYS, Part, TRIGGERS, part, part_of, schemas, text};
use crate::table;
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

/// What is there, by schema and name.
#[derive(Default)]
struct Found {
    /// Columns to what they are.
    columns: HashMap<Part, Column>,
    /// Foreign keys to whether they can be deferred.
    foreign_keys: HashMap<Part, bool>,
    triggers: HashSet<Part>,
    /// Schema and table to the columns of the primary key, with commas.
    primary_keys: HashMap<(String, String), String>,
    /// Schema and index to whether it is unique.
    indexes: HashMap<(String, String), bool>,
}

/// What a column is, or is to be.
#[derive(PartialEq, Eq)]
struct Column {
    /// As `format_type` writes it.
    kind: String,
    not_null: bool,
    has_default: bool,
}

impl fmt::Display for Column {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.kind)?;
        if self.not_null {
            formatter.write_str(" NOT NULL")?;
        }
        if self.has_default {
            formatter.write_str(" with a default")?;
        }
        Ok(())
    }
}

/// Says what the storage of a revision lacks first, if it lacks anything.
pub(super) async fn lacks(conn: &mut AsyncPgConnection, target: &Catalog) -> QueryResult<Option<String>> {
    let binds = [schemas(target)];
    let mut found = Found::default();
    for row in rows(conn, &COLUMNS, &binds).await? {
        let is = |at| row.bool(at).map(Option::unwrap_or_default);
        let column = Column { kind: text(&row, 3)?, not_null: is(4)?, has_default: is(5)? };
        found.columns.insert(part(&row)?, column);
    }
    for row in rows(conn, &FOREIGN_KEYS, &binds).await? {
        found.foreign_keys.insert(part(&row)?, row.bool(3)?.unwrap_or_default());
    }
    for row in rows(conn, &TRIGGERS, &binds).await? {
        found.triggers.insert(part(&row)?);
    }
    for row in rows(conn, &PRIMARY_KEYS, &binds).await? {
        found.primary_keys.insert((text(&row, 0)?, text(&row, 1)?), text(&row, 2)?);
    }
    for row in rows(conn, &INDEXES, &binds).await? {
        found.indexes.insert((text(&row, 0)?, text(&row, 1)?), row.bool(2)?.unwrap_or_default());
    }
    Ok(target.models.iter().find_map(|model| {
        let lack = found.lacks_column(model).or_else(|| found.lacks_primary_key(model));
        lack.or_else(|| found.lacks_index(model)).or_else(|| found.lacks_foreign_key(model))
    }))
}

impl Found {
    fn lacks_column(&self, model: &Model) -> Option<String> {
        let own = [(table::TENANT, own("text")), (table::VERSION, own("bigint"))];
        let columns = model.columns().map(|(id, field)| (field.storage_name.as_str(), expected(model, id)));
        own.into_iter().chain(columns).find_map(|(name, expected)| {
            let (schema, table) = (&model.table.schema, &model.table.name);
            match self.columns.get(&part_of(&model.table, name)) {
                None => Some(format!("table {schema}.{table} has no column {name}; apply again")),
                Some(found) if *found == expected || self.is_becoming_reference(model, name, found) => None,
                Some(Column { kind, .. }) if expected == nullable(kind) && is_reference(model, name) => Some(format!(
                    "column {name} of table {schema}.{table} is an ordinary {kind} and no reference yet; apply again"
                )),
                Some(found) => Some(format!(
                    "column {name} of table {schema}.{table} is {found}, but {} needs {expected}: an apply that failed has \
                     left it; give the field another name, or drop the column with `ALTER TABLE {} DROP COLUMN {}`",
                    model.full_name,
                    model.table.qualified(),
                    quote(name)
                )),
            }
        })
    }

    /// Whether the column is an ordinary text to this model, and a reference to a revision that comes after it. Processes
    /// of both work with it then.
    fn is_becoming_reference(&self, model: &Model, column: &str, found: &Column) -> bool {
        let trigger = empty_trigger_name(&model.table, column);
        *found == nullable("text") && self.triggers.contains(&part_of(&model.table, &trigger))
    }

    /// Creating relies on it: an id that is taken is found by the key.
    fn lacks_primary_key(&self, model: &Model) -> Option<String> {
        let (schema, table) = (&model.table.schema, &model.table.name);
        let id = &model.shape().field(model.roles.id).storage_name;
        let expected = format!("{}, {id}", table::TENANT);
        let found = self.primary_keys.get(&(schema.clone(), table.clone()));
        if found == Some(&expected) {
            return None;
        }
        let what = found.map_or_else(|| "no primary key".to_owned(), |found| format!("the primary key ({found})"));
        Some(format!(
            "table {schema}.{table} has {what}, but {} needs one on ({expected}): an apply that failed has left the table, \
             or somebody has changed it; make the key with `ALTER TABLE {table_name} ADD PRIMARY KEY ({tenant}, {column})`, or \
             drop the table if nobody needs its records",
            model.full_name,
            table_name = model.table.qualified(),
            column = quote(id),
            tenant = table::TENANT,
        ))
    }

    fn lacks_foreign_key(&self, model: &Model) -> Option<String> {
        model.references.iter().find_map(|reference| {
            let Table { schema, name } = &model.table;
            let key = &reference.constraint;
            let what = match self.foreign_keys.get(&part_of(&model.table, key)) {
                Some(true) => return None,
                Some(false) => "cannot be deferred",
                None => "is missing or not valid",
            };
            Some(format!("foreign key {key} of table {schema}.{name} {what}; apply again"))
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

/// Whether a column is that of a reference.
fn is_reference(model: &Model, column: &str) -> bool {
    model.shape().by_storage_name(column).is_some_and(|field| model.reference(field).is_some())
}

/// A column that may be NULL, as those of references.
fn nullable(kind: &str) -> Column {
    Column { kind: kind.to_owned(), not_null: false, has_default: false }
}

/// A column that every table has.
fn own(kind: &str) -> Column {
    Column { kind: kind.to_owned(), not_null: true, has_default: false }
}

/// What a field's column is to be.
fn expected(model: &Model, field: FieldId) -> Column {
    let kind = match model.column_type(field) {
        "timestamptz" => "timestamp with time zone",
        "numeric(20)" => "numeric(20,0)",
        "numeric(20)[]" => "numeric(20,0)[]",
        // A table that was made before texts had a collation keeps that of the database.
        other => other.trim_end_matches(" COLLATE \"C\""),
    };
    let roles = &model.roles;
    let is_set_by_system = Some(field) == roles.created_at || Some(field) == roles.updated_at;
    if model.reference(field).is_some() {
        return nullable(kind);
    }
    let is_never_null = match model.shape().field(field).cardinality {
        Cardinality::Implicit | Cardinality::Repeated | Cardinality::Map(_) => true,
        Cardinality::Explicit | Cardinality::Oneof(_) => is_set_by_system,
    };
    match field == roles.id {
        true => own(kind),
        false => Column { kind: kind.to_owned(), not_null: is_never_null, has_default: is_never_null },
    }
}
