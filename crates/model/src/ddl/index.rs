//! Indexes.

use super::{Ddl, Object, Run, comment_on_index};
use crate::catalog::{Index, IndexMethod, Model};
use crate::quote::{quote, quote_literal};

/// The schema of the extensions that indexes need, unless they are somewhere else already.
pub const EXTENSIONS_SCHEMA: &str = "groundplan_extensions";

/// The extension that indexes trigrams.
pub const TRIGRAM_EXTENSION: &str = "pg_trgm";

/// The operator class of trigrams as statements name it. It is to be replaced where the extension has another schema.
pub const TRIGRAM_OPERATORS: &str = "\"groundplan_extensions\".gin_trgm_ops";

/// Builds an index: concurrently on a table that is in use, so that writes go on meanwhile.
pub(crate) fn add_index(model: &Model, index: &Index, concurrently: bool) -> Vec<Ddl> {
    let mut statements = Vec::new();
    if index.method == IndexMethod::Trigram {
        statements.push(trigram_extension(model));
    }
    let sql = format!(
        "CREATE {}INDEX {}IF NOT EXISTS {} ON {} {}",
        if index.unique { "UNIQUE " } else { "" },
        if concurrently { "CONCURRENTLY " } else { "" },
        quote(&index.name),
        model.table.qualified(),
        what(model, index)
    );
    let run = if concurrently { Run::Concurrently } else { Run::Together };
    statements.push(Ddl { sql, run, table: model.table.clone(), makes: Some(Object::Index(index.name.clone())) });
    if !index.reason.is_empty() {
        statements.push(comment_on_index(model, index));
    }
    statements
}

/// What is indexed, and how.
fn what(model: &Model, index: &Index) -> String {
    let columns: Vec<String> = index.fields.iter().map(|part| model.column_name(part.field)).collect();
    let column = columns.first().map(String::as_str).unwrap_or_default();
    match &index.method {
        IndexMethod::Ordered => format!("({}){}", ordered(model, index).join(", "), condition(model, index)),
        IndexMethod::Trigram => format!("USING gin ({column} {TRIGRAM_OPERATORS})"),
        // A query is served by the index only if it says exactly the same.
        IndexMethod::Search { language } => {
            format!("USING gin (to_tsvector({}::regconfig, {column}))", quote_literal(language))
        }
        IndexMethod::Elements => format!("USING gin ({column})"),
        IndexMethod::Purge => format!("({column}) WHERE {column} IS NOT NULL"),
    }
}

/// Which records an ordered index holds, if not all.
fn condition(model: &Model, index: &Index) -> String {
    let deleted_at = model.roles.deleted_at.filter(|_| index.living_only);
    deleted_at.map_or_else(String::new, |field| format!(" WHERE {} IS NULL", model.column_name(field)))
}

/// The columns of an ordered index.
fn ordered(model: &Model, index: &Index) -> Vec<String> {
    let mut columns = vec!["\"_tenant\"".to_owned()];
    for part in &index.fields {
        let direction = if part.descending { " DESC" } else { "" };
        columns.push(format!("{}{direction}", model.column_name(part.field)));
    }
    // With the id at the end, a page can go on behind the last record of the page before.
    if !index.unique && index.fields.iter().all(|part| part.field != model.roles.id) {
        columns.push(model.column_name(model.roles.id));
    }
    columns
}

/// Makes sure of the extension. PostgreSQL trusts it: whoever may create schemas may create it.
fn trigram_extension(model: &Model) -> Ddl {
    let schema = quote(EXTENSIONS_SCHEMA);
    let sql = format!(
        "CREATE SCHEMA IF NOT EXISTS {schema};\nCREATE EXTENSION IF NOT EXISTS {TRIGRAM_EXTENSION} SCHEMA {schema}"
    );
    Ddl { sql, run: Run::Alone, table: model.table.clone(), makes: Some(Object::Extension(TRIGRAM_EXTENSION)) }
}
