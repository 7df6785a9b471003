//! What was there before the first step.

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

/// The columns of texts, and whether they are `NOT NULL`.
static TEXTS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT n.nspname::text, c.relname::text, a.attname::text, a.attnotnull FROM pg_attribute a \
         JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname::text = ANY (?::text[]) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped \
         AND a.atttypid = 'text'::regtype",
    )
});

/// The foreign keys that every record obeys, and whether they can be checked at the end of a transaction.
pub(super) static FOREIGN_KEYS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT n.nspname::text, c.relname::text, k.conname::text, k.condeferrable FROM pg_constraint k \
         JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname::text = ANY (?::text[]) AND k.contype = 'f' AND k.convalidated",
    )
});

/// The triggers that somebody made.
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

/// Schema, table, and something of the table.
pub(super) type Part = (String, String, String);

/// What was there before the first step.
#[derive(Default)]
pub(super) struct Existing {
    tables: BTreeSet<(String, String)>,
    /// Those that are valid.
    indexes: Indexes,
    texts: BTreeMap<Part, bool>,
    foreign_keys: BTreeMap<Part, bool>,
    triggers: BTreeSet<Part>,
    trigram_schema: Option<String>,
}

impl Existing {
    /// Looks at the schemas of a revision.
    pub(super) async fn look(conn: &mut AsyncPgConnection, target: &Catalog) -> QueryResult<Self> {
        let mut existing = Self::default();
        let binds = [schemas(target)];
        for row in rows(conn, &RELATIONS, &binds).await? {
            let name = (text(&row, 0)?, text(&row, 1)?);
            let kind = if row.bool(2)? == Some(true) { &mut existing.indexes } else { &mut existing.tables };
            kind.insert(name);
        }
        for row in rows(conn, &TEXTS, &binds).await? {
            existing.texts.insert(part(&row)?, row.bool(3)?.unwrap_or_default());
        }
        for row in rows(conn, &FOREIGN_KEYS, &binds).await? {
            existing.foreign_keys.insert(part(&row)?, row.bool(3)?.unwrap_or_default());
        }
        for row in rows(conn, &TRIGGERS, &binds).await? {
            existing.triggers.insert(part(&row)?);
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
        self.foreign_keys.contains_key(&part_of(table, name))
    }

    /// Whether a foreign key is there that is checked at each statement, whatever a transaction says.
    pub(super) fn has_strict_foreign_key(&self, table: &Table, name: &str) -> bool {
        self.foreign_keys.get(&part_of(table, name)) == Some(&false)
    }

    /// Whether a column of texts is `NOT NULL`; none if there is no such column.
    pub(super) fn text_is_never_null(&self, table: &Table, column: &str) -> Option<bool> {
        self.texts.get(&part_of(table, column)).copied()
    }

    /// Whether a column turns empty texts into NULL: it is a reference, or becomes one.
    pub(super) fn has_empty_trigger(&self, table: &Table, column: &str) -> bool {
        self.triggers.contains(&part_of(table, &empty_trigger_name(table, column)))
    }

    /// The schema of the extension for trigrams, if the database has it.
    pub(super) fn trigram_schema(&self) -> Option<&str> {
        self.trigram_schema.as_deref()
    }
}

/// The schema of an extension, if the database has it.
pub(super) async fn extension_schema(conn: &mut AsyncPgConnection, name: &str) -> QueryResult<Option<String>> {
    let found = rows(conn, &EXTENSION, &[Bind::text(name)]).await?;
    Ok(found.first().map(|row| row.text(0)).transpose()?.flatten())
}

/// The name of something of a table.
pub(super) fn part_of(table: &Table, name: &str) -> Part {
    (table.schema.clone(), table.name.clone(), name.to_owned())
}

/// The name at the beginning of a row.
pub(super) fn part(row: &PgRow) -> QueryResult<Part> {
    Ok((text(row, 0)?, text(row, 1)?, text(row, 2)?))
}

/// A text that is not NULL.
pub(super) fn text(row: &PgRow, at: usize) -> QueryResult<String> {
    Ok(row.text(at)?.unwrap_or_default())
}

/// The PostgreSQL schemas of a revision, to be bound.
pub(super) fn schemas(target: &Catalog) -> Bind {
    let schemas: BTreeSet<&str> = target.models.iter().map(|model| model.table.schema.as_str()).collect();
    let schemas: Vec<Bind> = schemas.into_iter().map(Bind::text).collect();
    Bind::array(oid::TEXT, &schemas)
}
