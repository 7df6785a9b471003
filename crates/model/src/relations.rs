//! References between models, resolved and named.

use crate::declared::{DeclaredModel, DeclaredReference};
use crate::naming::{json_name, upper_camel};
use prost_reflect::{FieldDescriptor, MessageDescriptor};
use std::collections::BTreeMap;

/// A reference whose target model is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relation<'a> {
    /// The referencing model.
    pub(crate) from: &'a DeclaredModel,
    pub(crate) reference: &'a DeclaredReference,
    /// The referenced model.
    pub(crate) to: &'a DeclaredModel,
}

impl<'a> Relation<'a> {
    /// Returns the method of the target's service that lists the referencing records, such as `ListAuthorBooks`, if the
    /// inverse relation has a name.
    pub(crate) fn list_method(&self) -> Option<String> {
        let inverse = self.inverse()?;
        Some(format!("List{}{}", self.to.name(), upper_camel(inverse)))
    }

    /// Returns the name of the inverse relation.
    pub(crate) fn inverse(&self) -> Option<&'a str> {
        self.reference.visible_inverse()
    }
}

/// All resolved references, by the referenced model.
#[derive(Debug, Default)]
pub(crate) struct Relations<'a>(BTreeMap<&'a str, Vec<Relation<'a>>>);

impl<'a> Relations<'a> {
    /// Resolves the references of models, which must be sorted by full name.
    pub(crate) fn from_models(models: &'a [DeclaredModel]) -> Self {
        let mut relations = Self::default();
        for from in models {
            for reference in &from.references {
                if let Some(to) = find_target(models, from, &reference.model) {
                    relations.0.entry(to.full_name()).or_default().push(Relation { from, reference, to });
                }
            }
        }
        relations
    }

    /// Returns the references to a model, sorted by model and field.
    pub(crate) fn targeting(&self, full_name: &str) -> &[Relation<'a>] {
        self.0.get(full_name).map_or(&[], Vec::as_slice)
    }
}

/// Finds the model that an option of another model names.
pub(crate) fn find_target<'a>(
    models: &'a [DeclaredModel],
    from: &DeclaredModel,
    written: &str,
) -> Option<&'a DeclaredModel> {
    let find = |name: &str| {
        let at = models.binary_search_by(|model| model.full_name().cmp(name)).ok()?;
        models.get(at)
    };
    let neighbour = || find(&format!("{}.{written}", from.message.package_name()));
    if written.contains('.') { find(written) } else { neighbour().or_else(|| find(written)) }
}

/// Returns the name by which expressions follow a reference: the field's name without the suffix `_id`, unless another
/// field has that name.
pub(crate) fn relation_name(message: &MessageDescriptor, field: &FieldDescriptor) -> String {
    let shorter = field.name().strip_suffix("_id").filter(|shorter| !shorter.is_empty());
    let is_taken = |name: &str| {
        let in_json = json_name(name);
        let names = |other: &FieldDescriptor| [json_name(other.name()), other.json_name().to_owned()];
        message.fields().any(|other| other.json_name() == name || names(&other).contains(&in_json))
    };
    shorter.filter(|shorter| !is_taken(shorter)).unwrap_or(field.name()).to_owned()
}
