//! Declarations of references.

use crate::catalog::OnDelete;
use crate::options::{number, read_field_option, text};
use crate::roles::field_behavior;
use prost_reflect::FieldDescriptor;
use std::borrow::Cow;

/// A field with `references`, of any type.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredReference {
    pub(crate) field: FieldDescriptor,
    /// The name of the referenced model: a full name, or one in the same package.
    pub(crate) model: String,
    /// `None` for a number that means nothing.
    pub(crate) on_delete: Option<OnDelete>,
    /// The declared name of the inverse relation.
    pub(crate) inverse: Option<String>,
}

impl DeclaredReference {
    /// Returns the name of the inverse relation. An INPUT_ONLY field has none: listing the referencing records would
    /// expose it.
    pub(crate) fn visible_inverse(&self) -> Option<&str> {
        self.inverse.as_deref().filter(|_| !field_behavior(&self.field, None).input_only)
    }
}

/// Reads the reference of a field, if it has one.
pub(crate) fn declared_reference(field: &FieldDescriptor) -> Option<DeclaredReference> {
    let references = read_field_option(field, |option| {
        let is_there = option.has_field_by_name("references");
        is_there.then(|| option.get_field_by_name("references").map(Cow::into_owned)).flatten()
    })??;
    let references = references.as_message()?;
    let on_delete = match number(references, "on_delete") {
        0 | 1 => Some(OnDelete::Restrict),
        2 => Some(OnDelete::Cascade),
        3 => Some(OnDelete::SetNull),
        _ => None,
    };
    let inverse = Some(text(references, "inverse")).filter(|inverse| !inverse.is_empty());
    Some(DeclaredReference { field: field.clone(), model: text(references, "model"), on_delete, inverse })
}
