//! The limits of what fits into an index.
//!
//! PostgreSQL refuses index keys beyond about 2,700 bytes *after compression*, so whether a long text is accepted would
//! depend on its letters. These limits depend on its length alone, and are checked before anything is written.

use groundplan_codec::{Record, Value};
use groundplan_error::Violation;
use groundplan_model::catalog::{Index, IndexMethod, Model};
use groundplan_model::shape::FieldId;

/// The most bytes of texts and byte strings that the fields of one index may hold together, the id and the tenant included;
/// and the most of one element in an index of elements.
pub const MAX_INDEX_KEY: usize = 2_500;

/// The most bytes of a text in an index of words. PostgreSQL keeps 1 MiB of words and places for one, and those of a text
/// take up to four times its own length.
pub const MAX_SEARCHED_TEXT: usize = 200_000;

/// Finds the fields that are too long for the model's indexes.
pub fn violations(model: &Model, tenant: &str, record: &Record) -> Vec<Violation> {
    let mut violations: Vec<Violation> = Vec::new();
    for index in &model.indexes {
        let found = match index.method {
            IndexMethod::Ordered => too_long_key(model, index, tenant, record),
            IndexMethod::Search { .. } => too_long_text(model, index, record),
            IndexMethod::Elements => too_long_element(model, index, record),
            IndexMethod::Purge => None,
            // A trigram is short, whatever it is part of.
            IndexMethod::Trigram => None,
        };
        if let Some(violation) = found
            && !violations.contains(&violation)
        {
            violations.push(violation);
        }
    }
    violations
}

/// Names the longest field of an index whose fields are too long together.
fn too_long_key(model: &Model, index: &Index, tenant: &str, record: &Record) -> Option<Violation> {
    let lengths = index.fields.iter().map(|indexed| (indexed.field, length(record.get(indexed.field))));
    let total: usize = lengths.clone().map(|(_, length)| length).sum();
    if total + tenant.len() + length(record.get(model.roles.id)) <= MAX_INDEX_KEY {
        return None;
    }
    let (longest, length) = lengths.max_by_key(|(_, length)| *length)?;
    let description =
        format!("has {length} bytes, too long for its index: its fields can have {MAX_INDEX_KEY} bytes together");
    Some(violation(model, longest, description))
}

/// Names a text with too many words.
fn too_long_text(model: &Model, index: &Index, record: &Record) -> Option<Violation> {
    let field = index.fields.first()?.field;
    let length = length(record.get(field));
    let description =
        format!("has {length} bytes, too long for its index of words: at most {MAX_SEARCHED_TEXT} bytes are allowed");
    (length > MAX_SEARCHED_TEXT).then(|| violation(model, field, description))
}

/// Names a list with an element that is too long.
fn too_long_element(model: &Model, index: &Index, record: &Record) -> Option<Violation> {
    let field = index.fields.first()?.field;
    let Some(Value::List(values)) = record.get(field) else { return None };
    let longest = values.iter().map(|value| length(Some(value))).max()?;
    let description = format!(
        "has an element of {longest} bytes, too long for its index: each element can have {MAX_INDEX_KEY} bytes"
    );
    (longest > MAX_INDEX_KEY).then(|| violation(model, field, description))
}

fn violation(model: &Model, field: FieldId, description: String) -> Violation {
    Violation { field: model.shape().field(field).name.clone(), description, rule: "index.max_bytes".into() }
}

/// The bytes of a value whose length has no bound of its own.
fn length(value: Option<&Value>) -> usize {
    match value {
        Some(Value::String(text)) => text.len(),
        Some(Value::Bytes(bytes)) => bytes.len(),
        _ => 0,
    }
}
