//! Finds unsupported changes of references.

use super::unsupported::{field_location, report_unsupported};
use crate::catalog::{Catalog, IdFormat, Model, Reference};
use crate::code;
use crate::diagnostic::Diagnostics;

/// Reports unsupported changes of a model's references. New fields can reference any model.
pub(super) fn compare_references(before: &Model, after: &Model, target: &Catalog, diagnostics: &mut Diagnostics) {
    for (id, field) in after.shape().iter() {
        let Some(old) = before.shape().by_number(field.number) else { continue };
        let location = || field_location(target, &after.full_name, field.number);
        let subject = format!("field `{}` of {}", field.name, after.full_name);
        match (before.reference(old), after.reference(id)) {
            (None, Some(new)) if new.target_ids == IdFormat::UuidV7 => {
                let description = format!("making {subject} a reference to {}, whose ids are UUIDs,", new.target);
                let help = "keep the field as it is, and add a new one with `references`";
                report_unsupported(diagnostics, location(), code::STEP_NOT_SUPPORTED_ADD_REFERENCE, &description, help);
            }
            (Some(old), None) => {
                let description = format!("removing the reference of {subject} to {}", old.target);
                let help = "keep `references`, or add a new field without it";
                report_unsupported(
                    diagnostics,
                    location(),
                    code::STEP_NOT_SUPPORTED_DROP_REFERENCE,
                    &description,
                    help,
                );
            }
            (Some(old), Some(new)) => {
                if let Some((change, help)) = unsupported_change(old, new) {
                    let description = format!("changing {change} of {subject}");
                    report_unsupported(
                        diagnostics,
                        location(),
                        code::STEP_NOT_SUPPORTED_CHANGE_REFERENCE,
                        &description,
                        help,
                    );
                }
            }
            _ => {}
        }
    }
}

/// Returns the change of a reference and its remedy, if the change is not supported.
fn unsupported_change(old: &Reference, new: &Reference) -> Option<(String, &'static str)> {
    let back = |reference: &Reference| reference.inverse.clone().unwrap_or_else(|| "none".to_owned());
    if old.target != new.target {
        Some((
            format!("the model from {} to {}", old.target, new.target),
            "add a new field that references the other model",
        ))
    } else if old.on_delete != new.on_delete {
        let (old, new) = (old.on_delete.option_name(), new.on_delete.option_name());
        Some((format!("on_delete from {old} to {new}"), "restore its value"))
    } else if old.inverse.is_some() && old.inverse != new.inverse {
        Some((
            format!("the inverse from {} to {}", back(old), back(new)),
            "keep it; callers use the name of the inverse relation",
        ))
    } else if old.name != new.name {
        let change = format!("the relation's name from {} to {}", old.name, new.name);
        Some((change, "keep it; callers use the name of the relation, so give the new field another one"))
    } else {
        None
    }
}
