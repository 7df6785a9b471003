//! The size limits of indexed fields.
//!
//! PostgreSQL rejects index keys of more than about 2,700 bytes *after compression*, so whether it accepts a long text depends
//! on the text's content. These limits depend only on the length, and are checked before the write.

use groundplan_codec::{Record, Value};
use groundplan_error::Violation;
use groundplan_model::catalog::{Index, IndexMethod, Model};
use groundplan_model::shape::FieldId;

/// The maximum total size of the texts and byte strings of one index, including the id and the tenant; and of one element in
/// an index of elements, in bytes.
pub const MAX_INDEX_KEY: usize = 2_500;

/// The maximum size of a text in a full-text index, in bytes. PostgreSQL stores up to 1 MiB of words and positions for a
/// text, and they take up to four times its length.
pub const MAX_SEARCHED_TEXT: usize = 200_000;

/// Returns a violation for each field that is too long for the model's indexes.
pub fn violations(model: &Model, tenant: &str, record: &Record) -> Vec<Violation> {
    let mut violations: Vec<Violation> = Vec::new();
    for index in &model.indexes {
        let violation = match index.method {
            IndexMethod::Ordered => too_long_key(model, index, tenant, record),
            IndexMethod::Search { .. } => too_long_text(model, index, record),
            IndexMethod::Elements => too_long_element(model, index, record),
            IndexMethod::Purge => None,
            // Trigrams are short, however long the text is.
            IndexMethod::Trigram => None,
        };
        if let Some(violation) = violation
            && !violations.contains(&violation)
        {
            violations.push(violation);
        }
    }
    violations
}

/// Returns a violation of the longest field of an index whose fields are too long together.
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

/// Returns a violation of a text that is too long for a full-text index.
fn too_long_text(model: &Model, index: &Index, record: &Record) -> Option<Violation> {
    let field = index.fields.first()?.field;
    let length = length(record.get(field));
    let description =
        format!("has {length} bytes, too long for its index of words: at most {MAX_SEARCHED_TEXT} bytes are allowed");
    (length > MAX_SEARCHED_TEXT).then(|| violation(model, field, description))
}

/// Returns a violation of a list with an element that is too long.
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

/// Returns the size of a text or byte string in bytes, and 0 for other values, whose size is bounded.
fn length(value: Option<&Value>) -> usize {
    match value {
        Some(Value::String(text)) => text.len(),
        Some(Value::Bytes(bytes)) => bytes.len(),
        _ => 0,
    }
}
