//! Declarations of indexes.

use crate::catalog::IndexMethod;
use crate::options::{number, text};
use prost_reflect::{DynamicMessage, Value};

/// The default text search configuration.
const NO_LANGUAGE: &str = "simple";

/// A declared index.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredIndex {
    /// Names of fields, optionally followed by ` desc`.
    pub(crate) fields: Vec<String>,
    pub(crate) unique: bool,
    pub(crate) where_: String,
    pub(crate) reason: String,
    /// The number of the method.
    pub(crate) method_number: i32,
    pub(crate) method: Option<IndexMethod>,
    /// The text search configuration; empty if not set.
    pub(crate) language: String,
}

impl DeclaredIndex {
    pub(super) fn read(index: &DynamicMessage) -> Self {
        let fields = index.get_field_by_name("fields");
        let fields = fields.as_deref().and_then(Value::as_list).unwrap_or_default();
        let language = text(index, "language");
        let method_number = number(index, "method");
        let method = match method_number {
            0 | 1 => Some(IndexMethod::Ordered),
            2 => Some(IndexMethod::Trigram),
            3 if language.is_empty() => Some(IndexMethod::Search { language: NO_LANGUAGE.to_owned() }),
            3 => Some(IndexMethod::Search { language: language.clone() }),
            4 => Some(IndexMethod::Elements),
            _ => None,
        };
        Self {
            fields: fields.iter().filter_map(|field| field.as_str().map(str::to_owned)).collect(),
            unique: index.get_field_by_name("unique").and_then(|unique| unique.as_bool()).unwrap_or(false),
            where_: text(index, "where"),
            reason: text(index, "reason"),
            method_number,
            method,
            language,
        }
    }

    /// Returns the fields' names, and whether each is descending.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&str, bool)> {
        self.fields.iter().map(|field| match field.trim().rsplit_once(char::is_whitespace) {
            Some((name, "desc" | "DESC")) => (name.trim_end(), true),
            Some((name, "asc" | "ASC")) => (name.trim_end(), false),
            _ => (field.trim(), false),
        })
    }
}
