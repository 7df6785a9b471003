//! Assembles the indexes of a model: the declared ones, and those that its references and its purge imply.

use super::error::{LoadError, invalid_model};
use crate::catalog::{Index, IndexField, IndexMethod, Reference, Roles};
use crate::declared::DeclaredModel;
use crate::object_names::index_name;
use crate::shape::{FieldId, Shape};

pub(super) fn assemble_indexes(
    declared: &DeclaredModel,
    shape: &Shape,
    roles: &Roles,
    references: &[Reference],
) -> Result<Vec<Index>, LoadError> {
    let mut indexes = Vec::new();
    for index in &declared.indexes {
        let mut fields = Vec::new();
        for (name, descending) in index.parts() {
            let field = field_by_proto_name(shape, name)
                .ok_or_else(|| invalid_model(declared, &format!("has no field {name:?}")))?;
            fields.push(IndexField { field, descending });
        }
        let method =
            index.method.clone().ok_or_else(|| invalid_model(declared, "has an index with an unknown method"))?;
        let (unique, reason) = (index.unique, index.reason.clone());
        // Deleting a record frees its unique values.
        let excludes_deleted = unique && roles.deleted_at.is_some();
        let name = index_name(&declared.table(), shape, &fields, unique, excludes_deleted, &method);
        indexes.push(Index { name, fields, unique, reason, method, excludes_deleted });
    }
    for reference in references {
        if !indexes.iter().any(|index| starts_with_field(index, reference.field)) {
            let reason = format!("implied by the reference to {}", reference.target);
            indexes.push(implied_index(declared, shape, reference.field, IndexMethod::Ordered, reason));
        }
    }
    for (part, field) in [("soft_delete", roles.deleted_at), ("expiry", roles.expires_at)] {
        let reason = format!("implied by {part}");
        indexes.extend(field.map(|field| implied_index(declared, shape, field, IndexMethod::Purge, reason)));
    }
    Ok(indexes)
}

/// Returns whether an index finds all records that reference one, including deleted records.
fn starts_with_field(index: &Index, field: FieldId) -> bool {
    index.method == IndexMethod::Ordered
        && !index.excludes_deleted
        && index.fields.first().is_some_and(|first| first.field == field)
}

/// Creates an implied index. Without it, each delete of a referenced record and each purge would scan the whole table.
fn implied_index(
    declared: &DeclaredModel,
    shape: &Shape,
    field: FieldId,
    method: IndexMethod,
    reason: String,
) -> Index {
    let fields = vec![IndexField { field, descending: false }];
    let name = index_name(&declared.table(), shape, &fields, false, false, &method);
    Index { name, fields, unique: false, reason, method, excludes_deleted: false }
}

fn field_by_proto_name(shape: &Shape, name: &str) -> Option<FieldId> {
    shape.iter().find(|(_, field)| field.name == name).map(|(id, _)| id)
}
