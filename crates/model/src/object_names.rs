//! Names of indexes, keys and triggers. Each name contains a digest of the definition, so it changes with it.

use crate::catalog::{IndexField, IndexMethod, OnDelete, Table};
use crate::naming::{MAX_IDENTIFIER, truncate};
use crate::shape::Shape;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Returns `<table>_<fields>_<8 hexadecimal digits>`, at most 63 bytes. The digits are a digest of everything except
/// the reason.
pub(crate) fn index_name(
    table: &Table,
    shape: &Shape,
    fields: &[IndexField],
    unique: bool,
    excludes_deleted: bool,
    method: &IndexMethod,
) -> String {
    let columns: Vec<&str> = fields.iter().map(|part| shape.field(part.field).storage_name.as_str()).collect();
    let mut stem = format!("{}_{}", table.name, columns.join("_"));
    let mut definition = format!("index\0{}\0{}\0{unique}", table.schema, table.name);
    for (part, column) in fields.iter().zip(&columns) {
        definition.push('\0');
        definition.push_str(column);
        definition.push_str(if part.descending { " desc" } else { "" });
    }
    // Earlier versions knew neither soft delete nor other methods; without them, names must stay the same.
    if excludes_deleted {
        definition.push_str("\0living");
        stem.push_str("_living");
    }
    let method = match method {
        IndexMethod::Ordered => return name_with_digest(&stem, &definition),
        IndexMethod::Trigram => "trigram".to_owned(),
        IndexMethod::Elements => "elements".to_owned(),
        IndexMethod::Purge => "purge".to_owned(),
        IndexMethod::Search { language } => format!("search_{language}"),
    };
    definition.push_str("\0using ");
    definition.push_str(&method);
    stem.push('_');
    stem.push_str(&method);
    name_with_digest(&stem, &definition)
}

/// Returns the name of a table's primary key. PostgreSQL's default could be the name of another table.
pub(crate) fn primary_key_name(table: &Table) -> String {
    name_with_digest(&format!("{}_key", table.name), &format!("primary key\0{}\0{}", table.schema, table.name))
}

/// Returns the name of the foreign key of a reference.
pub(crate) fn foreign_key_name(table: &Table, column: &str, target: &Table, on_delete: OnDelete) -> String {
    let definition = format!(
        "foreign key\0{}\0{}\0{column}\0{}\0{}\0{on_delete:?}",
        table.schema, table.name, target.schema, target.name
    );
    name_with_digest(&format!("{}_{column}_exists", table.name), &definition)
}

/// Returns the name of the trigger, and of its function, that replaces the empty text in a column that contained texts
/// before it became a reference.
pub fn empty_trigger_name(table: &Table, column: &str) -> String {
    let definition = format!("no empty text\0{}\0{}\0{column}", table.schema, table.name);
    name_with_digest(&format!("{}_{column}_not_empty", table.name), &definition)
}

fn name_with_digest(stem: &str, definition: &str) -> String {
    let digest = Sha256::digest(definition.as_bytes());
    let mut ending = "_".to_owned();
    for byte in digest.iter().take(4) {
        // Writing to a String cannot fail.
        let _ = write!(ending, "{byte:02x}");
    }
    format!("{}{ending}", truncate(stem, MAX_IDENTIFIER - ending.len()))
}
