//! Checks indexes and their fields.

use super::index_methods;
use crate::catalog::IndexMethod;
use crate::code;
use crate::declared::{DeclaredIndex, DeclaredModel};
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::naming::nearest;
use crate::roles::{Role, field_role};
use crate::source::ParsedFiles;
use crate::types::{self, WellKnown, well_known};
use prost_reflect::{FieldDescriptor, Kind};
use std::collections::BTreeSet;

/// The maximum number of fields of an index.
pub(crate) const MAX_INDEX_FIELDS: usize = 8;
/// The maximum number of indexes of a model.
pub(crate) const MAX_INDEXES: usize = 64;

pub(super) fn check(declared: &DeclaredModel, files: &ParsedFiles, diagnostics: &mut Diagnostics) {
    if declared.indexes.len() > MAX_INDEXES {
        let message = format!(
            "{} has {} indexes; at most {MAX_INDEXES} are allowed",
            declared.full_name(),
            declared.indexes.len()
        );
        diagnostics.report(
            declared.option_location(),
            code::INDEXES_TOO_MANY,
            message,
            "keep only those that queries need; each index slows down writes",
        );
    }
    let mut seen = BTreeSet::new();
    for (at, index) in declared.indexes.iter().enumerate() {
        let location = declared.index_location(at, files);
        check_index(declared, index, &location, diagnostics);
        index_methods::check(declared, index, &location, diagnostics);
        let parts: Vec<(&str, bool)> = index.parts().collect();
        let method = (index.method_number.max(1), index.language.as_str());
        if !parts.is_empty() && !seen.insert((parts, index.unique, method)) {
            let message = format!("the index on {} is declared twice", index.fields.join(", "));
            diagnostics.report(location, code::INDEX_TWICE, message, "remove one of the two");
        }
    }
}

fn check_index(
    declared: &DeclaredModel,
    index: &DeclaredIndex,
    location: &SourceLocation,
    diagnostics: &mut Diagnostics,
) {
    let mut report = |code, message: String, help: String| diagnostics.report(location.clone(), code, message, help);
    if index.fields.is_empty() {
        report(
            code::INDEX_EMPTY,
            "an index has no fields".to_owned(),
            "add at least one: `fields: \"name\"`".to_owned(),
        );
    }
    if index.fields.len() > MAX_INDEX_FIELDS {
        let message = format!("an index has {} fields; at most {MAX_INDEX_FIELDS} are allowed", index.fields.len());
        report(
            code::INDEX_FIELDS_TOO_MANY,
            message,
            "keep the first fields; they determine which records PostgreSQL reads".to_owned(),
        );
    }
    if !index.where_.is_empty() {
        let message = format!("the index on {} has a `where`, which is not supported yet", index.fields.join(", "));
        report(
            code::INDEX_WHERE_NOT_SUPPORTED,
            message,
            "remove `where`; the index then includes all records".to_owned(),
        );
    }
    let mut names = BTreeSet::new();
    for (name, _) in index.parts() {
        let Some(field) = declared.message.get_field_by_name(name) else {
            let fields: Vec<FieldDescriptor> = declared.message.fields().collect();
            let help = match nearest(name, fields.iter().map(FieldDescriptor::name)) {
                Some(near) => format!("did you mean {near:?}?"),
                None => "use names of the message's fields, optionally followed by ` desc`".to_owned(),
            };
            report(code::INDEX_FIELD_UNKNOWN, format!("{} has no field {name:?} to index", declared.full_name()), help);
            continue;
        };
        if !names.insert(name) {
            report(code::INDEX_FIELD_TWICE, format!("{name} is listed twice in one index"), "list it once".to_owned());
        }
        // For other methods, `index_methods` checks the fields.
        let is_ordered = index.method == Some(IndexMethod::Ordered);
        if let Some(reason) = not_indexable(&field).filter(|_| is_ordered) {
            let help = "index fields of scalar types, enums, timestamps or durations".to_owned();
            report(code::INDEX_FIELD_TYPE, format!("{name} cannot be indexed: {reason}"), help);
        }
    }
}

/// Returns why a field cannot be indexed; `None` if it can.
fn not_indexable(field: &FieldDescriptor) -> Option<&'static str> {
    if field_role(field) == Some(Role::Etag) {
        return Some("it is the etag, which is computed from the record's version");
    }
    if field.is_map() {
        return Some("it is a map");
    }
    if field.is_list() {
        return Some("it is repeated; use `method: INDEX_METHOD_ELEMENTS` to index its elements");
    }
    match types::value_kind(field) {
        Kind::Message(message) => match well_known(message.full_name()) {
            Some(WellKnown::Timestamp | WellKnown::Duration | WellKnown::Wrapper(_)) => None,
            _ => Some("it is a message"),
        },
        _ => None,
    }
}
