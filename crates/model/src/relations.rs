//! References between models: where each leads, and what the steps along it are called.

use crate::declared::{Declared, DeclaredReference};
use crate::naming::{json_name, upper_camel};
use prost_reflect::{FieldDescriptor, MessageDescriptor};
use std::collections::BTreeMap;

/// A reference whose model is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relation<'a> {
    /// The model that has the field.
    pub(crate) from: &'a Declared,
    pub(crate) reference: &'a DeclaredReference,
    /// The model that it leads to.
    pub(crate) to: &'a Declared,
}

impl<'a> Relation<'a> {
    /// The method of the target's service that goes back, such as `ListAuthorBooks`, if the way back has a name.
    pub(crate) fn list_method(&self) -> Option<String> {
        let inverse = self.inverse()?;
        Some(format!("List{}{}", self.to.name(), upper_camel(inverse)))
    }

    /// The name of the way back.
    pub(crate) fn inverse(&self) -> Option<&'a str> {
        self.reference.way_back()
    }
}

/// All references that lead somewhere, by the model that they lead to.
#[derive(Debug, Default)]
pub(crate) struct Relations<'a>(BTreeMap<&'a str, Vec<Relation<'a>>>);

impl<'a> Relations<'a> {
    /// Finds the relations of models, which are in the order of their full names.
    pub(crate) fn of_models(models: &'a [Declared]) -> Self {
        let mut found = Self::default();
        for from in models {
            for reference in &from.references {
                if let Some(to) = target(models, from, &reference.model) {
                    found.0.entry(to.full_name()).or_default().push(Relation { from, reference, to });
                }
            }
        }
        found
    }

    /// Those that lead to a model, by model and field in order.
    pub(crate) fn to(&self, full_name: &str) -> &[Relation<'a>] {
        self.0.get(full_name).map_or(&[], Vec::as_slice)
    }
}

/// The model that is meant by a name in the options of another.
pub(crate) fn target<'a>(models: &'a [Declared], from: &Declared, written: &str) -> Option<&'a Declared> {
    let find = |name: &str| {
        let at = models.binary_search_by(|model| model.full_name().cmp(name)).ok()?;
        models.get(at)
    };
    let neighbour = || find(&format!("{}.{written}", from.message.package_name()));
    if written.contains('.') { find(written) } else { neighbour().or_else(|| find(written)) }
}

/// The name of a step along a reference: that of the field without `_id` at its end, unless another field has it.
pub(crate) fn name_of(message: &MessageDescriptor, field: &FieldDescriptor) -> String {
    let shorter = field.name().strip_suffix("_id").filter(|shorter| !shorter.is_empty());
    let is_taken = |name: &str| {
        let in_json = json_name(name);
        let names = |other: &FieldDescriptor| [json_name(other.name()), other.json_name().to_owned()];
        message.fields().any(|other| other.json_name() == name || names(&other).contains(&in_json))
    };
    shorter.filter(|shorter| !is_taken(shorter)).unwrap_or(field.name()).to_owned()
}
