//! Names of what is made beside columns: each says what it is, and changes when that changes.

use crate::catalog::{IndexField, IndexMethod, OnDelete, Table};
use crate::naming::{MAX_IDENTIFIER, truncate};
use crate::shape::Shape;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// `<table>_<fields>_<8 hexadecimal digits>`, at most 63 bytes. The digits come from everything but the reason.
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
    // Without a word more, names are as they were when there were no living, and when there was no other method.
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

/// The name of a table's primary key. PostgreSQL's own choice could be the name of another table.
pub(crate) fn primary_key_name(table: &Table) -> String {
    name_with_digest(&format!("{}_key", table.name), &format!("primary key\0{}\0{}", table.schema, table.name))
}

/// The name of the foreign key that a reference is.
pub(crate) fn foreign_key_name(table: &Table, column: &str, target: &Table, on_delete: OnDelete) -> String {
    let definition = format!(
        "foreign key\0{}\0{}\0{column}\0{}\0{}\0{on_delete:?}",
        table.schema, table.name, target.schema, target.name
    );
    name_with_digest(&format!("{}_{column}_exists", table.name), &definition)
}

/// The name of the trigger, and of its function, that keeps the empty text out of a column which was an ordinary text
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
