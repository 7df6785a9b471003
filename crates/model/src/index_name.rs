//! Names of indexes: each says what it is, and changes when that changes.

use crate::catalog::{IndexField, Table};
use crate::naming::{MAX_IDENTIFIER, cut};
use crate::shape::Shape;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// `<table>_<fields>_<8 hexadecimal digits>`, at most 63 bytes. The digits come from everything but the reason.
pub(crate) fn index_name(table: &Table, shape: &Shape, fields: &[IndexField], unique: bool) -> String {
    let columns: Vec<&str> = fields.iter().map(|part| shape.field(part.field).storage_name.as_str()).collect();
    let mut definition = format!("index\0{}\0{}\0{unique}", table.schema, table.name);
    for (part, column) in fields.iter().zip(&columns) {
        definition.push('\0');
        definition.push_str(column);
        definition.push_str(if part.descending { " desc" } else { "" });
    }
    named(&format!("{}_{}", table.name, columns.join("_")), &definition)
}

/// The name of a table's primary key. PostgreSQL's own choice could be the name of another table.
pub(crate) fn primary_key_name(table: &Table) -> String {
    named(&format!("{}_key", table.name), &format!("primary key\0{}\0{}", table.schema, table.name))
}

fn named(stem: &str, definition: &str) -> String {
    let digest = Sha256::digest(definition.as_bytes());
    let mut ending = "_".to_owned();
    for byte in digest.iter().take(4) {
        // Writing to a String cannot fail.
        let _ = write!(ending, "{byte:02x}");
    }
    format!("{}{ending}", cut(stem, MAX_IDENTIFIER - ending.len()))
}
