//! Reference fields: normalizes and validates ids of other records, without checking whether the records exist.

use groundplan_codec::{Record, Value};
use groundplan_error::Violation;
use groundplan_model::catalog::{IdFormat, Model};
use groundplan_model::shape::Field;
use uuid::Uuid;

/// The length of a UUID in its hyphenated form.
const UUID_LENGTH: usize = 36;

/// Normalizes references: an empty reference becomes absent, and a UUID is written in lower case with hyphens. Other texts
/// stay, and [`reference_violations`] reports them.
pub fn make_canonical(model: &Model, record: &mut Record) {
    for reference in &model.references {
        let Some(Value::String(text)) = record.get(reference.field) else { continue };
        let canonical = match (text.as_str(), reference.target_ids) {
            ("", _) => None,
            (text, IdFormat::UuidV7) => match uuid(text) {
                Some(uuid) => Some(Value::String(uuid.hyphenated().to_string())),
                None => continue,
            },
            (_, IdFormat::ClientAssigned) => continue,
        };
        record.set(reference.field, canonical);
    }
}

/// Returns a violation for each reference that cannot be an id of its target model.
pub fn reference_violations(model: &Model, record: &Record) -> Vec<Violation> {
    let invalid = model.references.iter().filter(|reference| match record.get(reference.field) {
        Some(Value::String(text)) => {
            reference.target_ids == IdFormat::UuidV7 && !text.is_empty() && uuid(text).is_none()
        }
        _ => false,
    });
    invalid.map(|reference| not_a_uuid(model.shape().field(reference.field))).collect()
}

/// Parses a UUID in hyphenated form.
pub fn uuid(text: &str) -> Option<Uuid> {
    (text.len() == UUID_LENGTH).then(|| Uuid::try_parse(text).ok()).flatten()
}

/// Returns the violation of a text that is not a UUID.
pub fn not_a_uuid(field: &Field) -> Violation {
    Violation {
        field: field.name.clone(),
        description: "must be a UUID such as 0198c0de-7a5e-7c3b-9d41-0242ac120002, the id of a record, or empty".into(),
        rule: "reference.uuid".into(),
    }
}
