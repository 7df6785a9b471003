//! The indexes that a plan builds: when, how, and which of them were not there before.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns, Sql, oid, rows};
use groundplan_model::catalog::Catalog;
use groundplan_model::{Ddl, Step};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Indexes by schema and name.
pub(super) type Indexes = BTreeSet<(String, String)>;

static EXISTING: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT n.nspname::text, c.relname::text, i.indexrelid IS NOT NULL FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid \
         WHERE n.nspname::text = ANY (?::text[]) AND c.relkind IN ('r', 'p', 'i', 'I') \
         AND i.indisvalid IS DISTINCT FROM false",
    )
});

/// What was there before the first step.
#[derive(Default)]
pub(super) struct Existing {
    tables: BTreeSet<(String, String)>,
    /// Those that are valid.
    indexes: Indexes,
}

impl Existing {
    /// Looks at the schemas of a revision.
    pub(super) async fn look(conn: &mut AsyncPgConnection, target: &Catalog) -> QueryResult<Self> {
        let mut existing = Self::default();
        for row in rows(conn, &EXISTING, &[schemas(target)]).await? {
            let name = (row.text(0)?.unwrap_or_default(), row.text(1)?.unwrap_or_default());
            let kind = if row.bool(2)? == Some(true) { &mut existing.indexes } else { &mut existing.tables };
            kind.insert(name);
        }
        Ok(existing)
    }

    pub(super) fn has_index(&self, index: &(String, String)) -> bool {
        self.indexes.contains(index)
    }
}

/// The PostgreSQL schemas of a revision, to be bound.
pub(super) fn schemas(target: &Catalog) -> Bind {
    let schemas: BTreeSet<&str> = target.models.iter().map(|model| model.table.schema.as_str()).collect();
    let schemas: Vec<Bind> = schemas.into_iter().map(Bind::text).collect();
    Bind::array(oid::TEXT, &schemas)
}

/// Puts unique indexes last, because records may stand in their way and writers have to obey them from then on, and
/// builds each index of a table that was there before beside the writes to it.
pub(super) fn arrange(mut steps: Vec<Step>, existing: &Existing, target: &Catalog) -> Vec<Step> {
    let unique = target.models.iter().flat_map(|model| {
        let unique = model.indexes.iter().filter(|index| index.unique);
        unique.map(|index| (model.table.schema.clone(), index.name.clone()))
    });
    let unique: Indexes = unique.collect();
    steps.sort_by_key(|step| of_step(step).any(|index| unique.contains(&index)));
    for statement in steps.iter_mut().flat_map(|step| &mut step.statements) {
        let table = (statement.table.schema.clone(), statement.table.name.clone());
        if statement.index.is_some() && existing.tables.contains(&table) {
            beside_writes(statement);
        }
    }
    steps
}

/// A plan from nothing takes every table for a new one that nobody writes to.
fn beside_writes(statement: &mut Ddl) {
    for start in ["CREATE INDEX ", "CREATE UNIQUE INDEX "] {
        if let Some(rest) = statement.sql.strip_prefix(start)
            && !statement.concurrently
        {
            statement.sql = format!("{start}CONCURRENTLY {rest}");
            statement.concurrently = true;
        }
    }
}

/// The indexes that a step builds.
pub(super) fn of_step(step: &Step) -> impl Iterator<Item = (String, String)> {
    step.statements.iter().filter_map(|statement| Some((statement.table.schema.clone(), statement.index.clone()?)))
}

/// The indexes of a revision.
pub(super) fn of_catalog(catalog: &Catalog) -> Indexes {
    let indexes = catalog
        .models
        .iter()
        .flat_map(|model| model.indexes.iter().map(|index| (model.table.schema.clone(), index.name.clone())));
    indexes.collect()
}

/// Their names, for a log.
pub(super) fn names(indexes: &Indexes) -> String {
    let names: Vec<String> = indexes.iter().map(|(schema, name)| format!("{schema}.{name}")).collect();
    names.join(", ")
}
