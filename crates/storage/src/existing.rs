//! The objects that exist before the first step.

use super::indexes::Indexes;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns, PgRow, Sql, oid, rows};
use groundplan_model::catalog::{Catalog, Table};
use groundplan_model::{TRIGRAM_EXTENSION, empty_trigger_name};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

static RELATIONS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT n.nspname::text, c.relname::text, i.indexrelid IS NOT NULL FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid \
         WHERE n.nspname::text = ANY (?::text[]) AND c.relkind IN ('r', 'p', 'i', 'I') \
         AND i.indisvalid IS DISTINCT FROM false",
    )
});

/// The text columns, and whether they are `NOT NULL`.
static TEXTS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT n.nspname::text, c.relname::text, a.attname::text, a.attnotnull FROM pg_attribute a \
         JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname::text = ANY (?::text[]) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped \
         AND a.atttypid = 'text'::regtype",
    )
});

/// The validated foreign keys, and whether their check can be deferred to the end of a transaction.
pub(super) static FOREIGN_KEYS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT n.nspname::text, c.relname::text, k.conname::text, k.condeferrable FROM pg_constraint k \
         JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname::text = ANY (?::text[]) AND k.contype = 'f' AND k.convalidated",
    )
});

/// The triggers that are not internal to PostgreSQL.
pub(super) static TRIGGERS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT n.nspname::text, c.relname::text, t.tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname::text = ANY (?::text[]) AND NOT t.tgisinternal",
    )
});

static EXTENSION: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace \
         WHERE e.extname::text = ?::text",
    )
});

/// Schema, table, and the name of an object of the table.
pub(super) type ObjectName = (String, String, String);

/// The objects that exist before the first step.
#[derive(Default)]
pub(super) struct Existing {
    tables: BTreeSet<(String, String)>,
    /// The valid ones.
    indexes: Indexes,
    /// Text columns to whether they are `NOT NULL`.
    texts: BTreeMap<ObjectName, bool>,
    /// Foreign keys to whether they can be deferred.
    foreign_keys: BTreeMap<ObjectName, bool>,
    triggers: BTreeSet<ObjectName>,
    trigram_schema: Option<String>,
}

impl Existing {
    /// Reads the objects in the schemas of a revision.
    pub(super) async fn read(conn: &mut AsyncPgConnection, target: &Catalog) -> QueryResult<Self> {
        let mut existing = Self::default();
        let binds = [schemas(target)];
        for row in rows(conn, &RELATIONS, &binds).await? {
            let name = (text(&row, 0)?, text(&row, 1)?);
            let kind = if row.bool(2)? == Some(true) { &mut existing.indexes } else { &mut existing.tables };
            kind.insert(name);
        }
        for row in rows(conn, &TEXTS, &binds).await? {
            existing.texts.insert(object_name(&row)?, row.bool(3)?.unwrap_or_default());
        }
        for row in rows(conn, &FOREIGN_KEYS, &binds).await? {
            existing.foreign_keys.insert(object_name(&row)?, row.bool(3)?.unwrap_or_default());
        }
        for row in rows(conn, &TRIGGERS, &binds).await? {
            existing.triggers.insert(object_name(&row)?);
        }
        existing.trigram_schema = extension_schema(conn, TRIGRAM_EXTENSION).await?;
        Ok(existing)
    }

    pub(super) fn has_table(&self, table: &Table) -> bool {
        self.tables.contains(&(table.schema.clone(), table.name.clone()))
    }

    pub(super) fn has_index(&self, index: &(String, String)) -> bool {
        self.indexes.contains(index)
    }

    pub(super) fn has_foreign_key(&self, table: &Table, name: &str) -> bool {
        self.foreign_keys.contains_key(&object_of(table, name))
    }

    /// Reports whether a foreign key exists whose check cannot be deferred.
    pub(super) fn has_strict_foreign_key(&self, table: &Table, name: &str) -> bool {
        self.foreign_keys.get(&object_of(table, name)) == Some(&false)
    }

    /// Reports whether a text column is `NOT NULL`; `None` if the column does not exist.
    pub(super) fn text_is_never_null(&self, table: &Table, column: &str) -> Option<bool> {
        self.texts.get(&object_of(table, column)).copied()
    }

    /// Reports whether a trigger replaces empty texts of a column with NULL: it is a reference, or becomes one.
    pub(super) fn has_empty_trigger(&self, table: &Table, column: &str) -> bool {
        self.triggers.contains(&object_of(table, &empty_trigger_name(table, column)))
    }

    /// Returns the schema of the trigram extension; `None` if it is not installed.
    pub(super) fn trigram_schema(&self) -> Option<&str> {
        self.trigram_schema.as_deref()
    }
}

/// Returns the schema of an extension; `None` if it is not installed.
pub(super) async fn extension_schema(conn: &mut AsyncPgConnection, name: &str) -> QueryResult<Option<String>> {
    let extensions = rows(conn, &EXTENSION, &[Bind::text(name)]).await?;
    Ok(extensions.first().map(|row| row.text(0)).transpose()?.flatten())
}

/// Returns the full name of an object of a table.
pub(super) fn object_of(table: &Table, name: &str) -> ObjectName {
    (table.schema.clone(), table.name.clone(), name.to_owned())
}

/// Returns the object name in the first three columns of a row.
pub(super) fn object_name(row: &PgRow) -> QueryResult<ObjectName> {
    Ok((text(row, 0)?, text(row, 1)?, text(row, 2)?))
}

/// Returns a text column, empty for NULL.
pub(super) fn text(row: &PgRow, at: usize) -> QueryResult<String> {
    Ok(row.text(at)?.unwrap_or_default())
}

/// Returns the PostgreSQL schemas of a revision as a bind.
pub(super) fn schemas(target: &Catalog) -> Bind {
    let schemas: BTreeSet<&str> = target.models.iter().map(|model| model.table.schema.as_str()).collect();
    let schemas: Vec<Bind> = schemas.into_iter().map(Bind::text).collect();
    Bind::array(oid::TEXT, &schemas)
}
