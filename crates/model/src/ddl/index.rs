//! Statements that create indexes.

use super::{DatabaseObject, Ddl, Execution, comment_on_index};
use crate::catalog::{Index, IndexMethod, Model};
use crate::quote::{quote, quote_literal};

/// The schema in which required extensions are created, unless they already exist in another one.
pub const EXTENSIONS_SCHEMA: &str = "groundplan_extensions";

/// The extension for trigram indexes.
pub const TRIGRAM_EXTENSION: &str = "pg_trgm";

/// The operator class of trigrams in statements. Replace it where the extension has another schema.
pub const TRIGRAM_OPERATORS: &str = "\"groundplan_extensions\".gin_trgm_ops";

/// Creates an index, concurrently if the table is in use, so that writes continue.
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
        method_clause(model, index)
    );
    let execution = if concurrently { Execution::OutsideTransaction } else { Execution::InSharedTransaction };
    statements.push(Ddl {
        sql,
        execution,
        table: model.table.clone(),
        creates: Some(DatabaseObject::Index(index.name.clone())),
    });
    if !index.reason.is_empty() {
        statements.push(comment_on_index(model, index));
    }
    statements
}

/// Returns the method, the columns and the condition of an index.
fn method_clause(model: &Model, index: &Index) -> String {
    let columns: Vec<String> = index.fields.iter().map(|part| model.column_name(part.field)).collect();
    let column = columns.first().map(String::as_str).unwrap_or_default();
    match &index.method {
        IndexMethod::Ordered => format!("({}){}", ordered_columns(model, index).join(", "), condition(model, index)),
        IndexMethod::Trigram => format!("USING gin ({column} {TRIGRAM_OPERATORS})"),
        // PostgreSQL uses the index only if the query contains exactly the same expression.
        IndexMethod::Search { language } => {
            format!("USING gin (to_tsvector({}::regconfig, {column}))", quote_literal(language))
        }
        IndexMethod::Elements => format!("USING gin ({column})"),
        IndexMethod::Purge => format!("({column}) WHERE {column} IS NOT NULL"),
    }
}

/// Returns the condition of an ordered index that excludes deleted records, or nothing.
fn condition(model: &Model, index: &Index) -> String {
    let deleted_at = model.roles.deleted_at.filter(|_| index.excludes_deleted);
    deleted_at.map_or_else(String::new, |field| format!(" WHERE {} IS NULL", model.column_name(field)))
}

/// Returns the columns of an ordered index.
fn ordered_columns(model: &Model, index: &Index) -> Vec<String> {
    let mut columns = vec!["\"_tenant\"".to_owned()];
    for part in &index.fields {
        let direction = if part.descending { " DESC" } else { "" };
        columns.push(format!("{}{direction}", model.column_name(part.field)));
    }
    // With the id at the end, a page can continue after the last record of the previous page.
    if !index.unique && index.fields.iter().all(|part| part.field != model.roles.id) {
        columns.push(model.column_name(model.roles.id));
    }
    columns
}

/// Creates the extension if it is missing. It is a trusted extension, so any role that can create schemas can create
/// it.
fn trigram_extension(model: &Model) -> Ddl {
    let schema = quote(EXTENSIONS_SCHEMA);
    let sql = format!(
        "CREATE SCHEMA IF NOT EXISTS {schema};\nCREATE EXTENSION IF NOT EXISTS {TRIGRAM_EXTENSION} SCHEMA {schema}"
    );
    Ddl {
        sql,
        execution: Execution::InOwnTransaction,
        table: model.table.clone(),
        creates: Some(DatabaseObject::Extension(TRIGRAM_EXTENSION)),
    }
}
