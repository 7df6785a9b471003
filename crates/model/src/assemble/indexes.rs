//! The indexes of a model: those that are declared, and those that its references need.

use super::LoadError;
use super::model::wrong;
use crate::catalog::{Index, IndexField, IndexMethod, Reference};
use crate::declared::Declared;
use crate::object_names::index_name;
use crate::shape::{FieldId, Shape};

pub(super) fn of_model(declared: &Declared, shape: &Shape, references: &[Reference]) -> Result<Vec<Index>, LoadError> {
    let mut indexes = Vec::new();
    for index in &declared.indexes {
        let mut fields = Vec::new();
        for (name, descending) in index.parts() {
            let field = by_proto_name(shape, name).ok_or_else(|| wrong(declared, &format!("has no field {name:?}")))?;
            fields.push(IndexField { field, descending });
        }
        let method = index.method.clone().ok_or_else(|| wrong(declared, "has an index of an unknown method"))?;
        let name = index_name(&declared.table(), shape, &fields, index.unique, &method);
        indexes.push(Index {
            name,
            fields,
            unique: index.unique,
            reason: index.reason.clone(),
            method,
            living_only: false,
        });
    }
    for reference in references {
        if !indexes.iter().any(|index| begins_with(index, reference.field)) {
            indexes.push(implied(declared, shape, reference));
        }
    }
    Ok(indexes)
}

/// Whether an index finds the records that refer to one.
fn begins_with(index: &Index, field: FieldId) -> bool {
    index.method == IndexMethod::Ordered && index.fields.first().is_some_and(|first| first.field == field)
}

/// Without it, each deletion of a record that may be referred to would read the whole table.
fn implied(declared: &Declared, shape: &Shape, reference: &Reference) -> Index {
    let fields = vec![IndexField { field: reference.field, descending: false }];
    let name = index_name(&declared.table(), shape, &fields, false, &IndexMethod::Ordered);
    let reason = format!("implied by the reference to {}", reference.target);
    Index { name, fields, unique: false, reason, method: IndexMethod::Ordered, living_only: false }
}

fn by_proto_name(shape: &Shape, name: &str) -> Option<FieldId> {
    shape.iter().find(|(_, field)| field.name == name).map(|(id, _)| id)
}
