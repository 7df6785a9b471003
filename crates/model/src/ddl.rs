//! The SQL that creates storage for models. Names come from the catalog and are quoted; each statement can be repeated.

mod index;
mod reference;
mod statement;

use crate::catalog::{Index, Model};
use crate::column::column_default;
use crate::object_names::primary_key_name;
use crate::quote::{quote, quote_literal};
use crate::shape::FieldId;
pub(crate) use index::add_index;
pub use index::{EXTENSIONS_SCHEMA, TRIGRAM_EXTENSION, TRIGRAM_OPERATORS};
pub(crate) use reference::{
    add_foreign_key, drop_foreign_key, replace_empty_with_null, undo_replace_empty_with_null, validate_foreign_key,
};
pub use reference::{forbid_null, make_deferrable};
pub use statement::{DatabaseObject, Ddl, Execution};

/// Creates a model's table, without its indexes.
pub(crate) fn add_model(model: &Model) -> Vec<Ddl> {
    let table = model.table.qualified();
    let columns: Vec<(FieldId, String)> = model.columns().map(|(id, _)| (id, column_definition(model, id))).collect();
    let mut parts =
        vec!["\"_tenant\" text COLLATE \"C\" NOT NULL".to_owned(), "\"_version\" bigint NOT NULL".to_owned()];
    parts.extend(columns.iter().map(|(_, column)| column.clone()));
    parts.push(format!(
        "CONSTRAINT {} PRIMARY KEY (\"_tenant\", {})",
        quote(&primary_key_name(&model.table)),
        model.column_name(model.roles.id)
    ));
    let mut statements = vec![
        format!("CREATE SCHEMA IF NOT EXISTS {}", quote(&model.table.schema)),
        format!("CREATE TABLE IF NOT EXISTS {table} (\n  {}\n)", parts.join(",\n  ")),
    ];
    // A failed apply might have left the table of an earlier draft, which lacks some columns.
    let added: Vec<String> = columns
        .iter()
        .filter(|(id, _)| *id != model.roles.id)
        .map(|(_, column)| format!("ADD COLUMN IF NOT EXISTS {column}"))
        .collect();
    if !added.is_empty() {
        statements.push(format!("ALTER TABLE {table}\n  {}", added.join(",\n  ")));
    }
    if !model.comment.is_empty() {
        statements.push(comment_on_table(model));
    }
    let commented = model.columns().filter(|(_, field)| !field.comment.is_empty());
    statements.extend(commented.map(|(id, _)| comment_on_column(model, id)));
    statements.into_iter().map(|sql| in_shared_transaction(model, sql)).collect()
}

/// Creates a field's column. The etag has none.
pub(crate) fn add_field(model: &Model, id: FieldId) -> Vec<Ddl> {
    if Some(id) == model.roles.etag {
        return Vec::new();
    }
    let mut statements = vec![format!(
        "ALTER TABLE {} ADD COLUMN IF NOT EXISTS {}",
        model.table.qualified(),
        column_definition(model, id)
    )];
    if !model.shape().field(id).comment.is_empty() {
        statements.push(comment_on_column(model, id));
    }
    statements.into_iter().map(|sql| in_shared_transaction(model, sql)).collect()
}

/// Sets the comment of a table, or removes it if it is empty.
pub(crate) fn comment_on_table(model: &Model) -> String {
    format!("COMMENT ON TABLE {} IS {}", model.table.qualified(), comment_literal(&model.comment))
}

/// Sets the comment of a column, or removes it if it is empty.
pub(crate) fn comment_on_column(model: &Model, id: FieldId) -> String {
    let text = comment_literal(&model.shape().field(id).comment);
    format!("COMMENT ON COLUMN {}.{} IS {text}", model.table.qualified(), model.column_name(id))
}

/// Sets the comment of an index to its reason, or removes it if it is empty.
pub(crate) fn comment_on_index(model: &Model, index: &Index) -> Ddl {
    let name = format!("{}.{}", quote(&model.table.schema), quote(&index.name));
    in_shared_transaction(model, format!("COMMENT ON INDEX {name} IS {}", comment_literal(&index.reason)))
}

/// Creates a statement that can share a transaction with others.
pub(crate) fn in_shared_transaction(model: &Model, sql: String) -> Ddl {
    Ddl { sql, execution: Execution::InSharedTransaction, table: model.table.clone(), creates: None }
}

/// Returns the definition of a column: name, type and constraints.
fn column_definition(model: &Model, id: FieldId) -> String {
    let roles = &model.roles;
    let constraint = if id == roles.id {
        " NOT NULL".to_owned()
    } else if Some(id) == roles.created_at || Some(id) == roles.updated_at {
        " NOT NULL DEFAULT now()".to_owned()
    } else if model.reference(id).is_some() {
        // An empty reference is NULL, which a foreign key does not check.
        String::new()
    } else {
        column_default(model.shape().field(id))
            .map_or_else(String::new, |default| format!(" NOT NULL DEFAULT {default}"))
    };
    format!("{} {}{constraint}", model.column_name(id), model.column_type(id))
}

fn comment_literal(text: &str) -> String {
    if text.is_empty() { "NULL".to_owned() } else { quote_literal(text) }
}
