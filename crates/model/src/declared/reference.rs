//! References as they were written.

use super::{number, text};
use crate::catalog::OnDelete;
use crate::roles::behavior;
use prost_reflect::FieldDescriptor;

/// A field with `references`, whatever its type.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredReference {
    pub(crate) field: FieldDescriptor,
    /// As it was written: a full name, or one of the same package.
    pub(crate) model: String,
    /// `None` for a number that means nothing.
    pub(crate) on_delete: Option<OnDelete>,
    /// The name of the way back, as it was written.
    pub(crate) inverse: Option<String>,
}

impl DeclaredReference {
    /// The name of the way back. A field that no answer shows has none: the list of those who refer would show it.
    pub(crate) fn way_back(&self) -> Option<&str> {
        self.inverse.as_deref().filter(|_| !behavior(&self.field, None).input_only)
    }
}

/// What a field refers to, if it does.
pub(crate) fn of_field(field: &FieldDescriptor) -> Option<DeclaredReference> {
    let options = field.options();
    let extension = field.parent_message().parent_pool().get_extension_by_name("groundplan.model.v1.field")?;
    if !options.has_extension(&extension) {
        return None;
    }
    let option = options.get_extension(&extension);
    let option = option.as_message()?;
    if !option.has_field_by_name("references") {
        return None;
    }
    let references = option.get_field_by_name("references")?;
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
