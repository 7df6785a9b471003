//! The limit of what fits into an index.
//!
//! PostgreSQL refuses index keys beyond about 2,700 bytes *after compression*, so whether a long text is accepted would
//! depend on its letters. This limit depends on its length alone, and is checked before anything is written.

use groundplan_codec::{Record, Value};
use groundplan_error::Violation;
use groundplan_model::catalog::{Index, Model};

/// The most bytes of texts and byte strings that the fields of one index may hold together, the id and the tenant included.
pub(crate) const MAX_INDEX_KEY: usize = 2_500;

/// Finds the fields that are too long for the model's indexes.
pub(crate) fn violations(model: &Model, tenant: &str, record: &Record) -> Vec<Violation> {
    let mut violations: Vec<Violation> = Vec::new();
    for index in &model.indexes {
        if let Some(violation) = violation(model, index, tenant, record)
            && !violations.contains(&violation)
        {
            violations.push(violation);
        }
    }
    violations
}

/// Names the longest field of an index whose fields are too long together.
fn violation(model: &Model, index: &Index, tenant: &str, record: &Record) -> Option<Violation> {
    let lengths = index.fields.iter().map(|indexed| (indexed.field, length(record.get(indexed.field))));
    let total: usize = lengths.clone().map(|(_, length)| length).sum();
    if total + tenant.len() + length(record.get(model.roles.id)) <= MAX_INDEX_KEY {
        return None;
    }
    let (longest, length) = lengths.max_by_key(|(_, length)| *length)?;
    Some(Violation {
        field: model.shape().field(longest).name.clone(),
        description: format!(
            "has {length} bytes, too long for its index: the fields of one may have {MAX_INDEX_KEY} bytes together"
        ),
        rule: "index.max_bytes".into(),
    })
}

/// The bytes of a value whose length has no bound of its own.
fn length(value: Option<&Value>) -> usize {
    match value {
        Some(Value::String(text)) => text.len(),
        Some(Value::Bytes(bytes)) => bytes.len(),
        _ => 0,
    }
}
