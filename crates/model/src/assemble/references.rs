//! Assembles the references of a model, and those of other models to it.

use super::error::{LoadError, invalid_model};
use crate::catalog::{IdFormat, OnDelete, Reference, Referrer};
use crate::declared::DeclaredModel;
use crate::object_names::foreign_key_name;
use crate::relations::{Relations, find_target, relation_name};
use crate::shape::{Shape, Shapes};

/// Assembles the references of a model.
pub(super) fn assemble_references(
    declared: &DeclaredModel,
    all: &[DeclaredModel],
    shape: &Shape,
) -> Result<Vec<Reference>, LoadError> {
    let assemble = |reference: &crate::declared::DeclaredReference| {
        let name = reference.field.name();
        let invalid = |problem: &str| invalid_model(declared, &format!("{problem} the reference {name:?}"));
        let to = find_target(all, declared, &reference.model).ok_or_else(|| invalid("has no model for"))?;
        let field = shape.by_number(reference.field.number()).ok_or_else(|| invalid("has no field for"))?;
        let on_delete = reference.on_delete.unwrap_or(OnDelete::Restrict);
        let column = &shape.field(field).storage_name;
        Ok(Reference {
            field,
            name: relation_name(&declared.message, &reference.field),
            target: to.full_name().to_owned(),
            target_ids: to.id_format.unwrap_or(IdFormat::UuidV7),
            on_delete,
            inverse: reference.visible_inverse().map(str::to_owned),
            constraint: foreign_key_name(&declared.table(), column, &to.table(), on_delete),
        })
    };
    declared.references.iter().map(assemble).collect()
}

/// Assembles the references of all models to one.
pub(super) fn assemble_referrers(
    full_name: &str,
    relations: &Relations<'_>,
    shapes: &Shapes,
) -> Result<Vec<Referrer>, LoadError> {
    let referrer = |relation: &crate::relations::Relation<'_>| {
        let model = relation.from.full_name();
        let shape = shapes.by_name(model).map(|shape| shapes.get(shape));
        let field = shape.and_then(|shape| shape.by_number(relation.reference.field.number()));
        Ok(Referrer {
            model: model.to_owned(),
            field: field.ok_or_else(|| invalid_model(relation.from, "has no shape"))?,
            on_delete: relation.reference.on_delete.unwrap_or(OnDelete::Restrict),
            inverse: relation.inverse().map(str::to_owned),
        })
    };
    relations.targeting(full_name).iter().map(referrer).collect()
}
