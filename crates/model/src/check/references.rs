//! Checks where references are allowed, and the models that they reference.

use crate::catalog::OnDelete;
use crate::code;
use crate::declared::{DeclaredModel, DeclaredReference, declared_reference};
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::naming::nearest;
use crate::options::is_required_by_rule;
use crate::relations::find_target;
use crate::roles::{self, field_role};
use prost_reflect::{Kind, MessageDescriptor};

/// The maximum number of references of a model.
pub(crate) const MAX_REFERENCES: usize = 64;

/// Checks the references of a model.
pub(super) fn check(declared: &DeclaredModel, models: &[DeclaredModel], diagnostics: &mut Diagnostics) {
    if declared.references.len() > MAX_REFERENCES {
        let message = format!(
            "{} has {} references; at most {MAX_REFERENCES} are allowed",
            declared.full_name(),
            declared.references.len()
        );
        let help = "keep only those that must be enforced; each one is checked at every write";
        diagnostics.report(declared.location(), code::REFERENCES_TOO_MANY, message, help);
    }
    for reference in &declared.references {
        check_field(reference, diagnostics);
        check_model(declared, reference, models, diagnostics);
        check_on_delete(reference, diagnostics);
        check_cascade(declared, reference, models, diagnostics);
    }
}

/// Reports references in a message that is not a model: they would not be enforced.
pub(super) fn check_non_model(message: &MessageDescriptor, models: &[DeclaredModel], diagnostics: &mut Diagnostics) {
    if models.iter().any(|model| model.full_name() == message.full_name()) {
        return;
    }
    for field in message.fields().filter(|field| declared_reference(field).is_some()) {
        let text = format!("{} has `references`, but {} is not a model", field.name(), message.full_name());
        let help = "move the field into the model, or remove `references`";
        diagnostics.report(SourceLocation::of_field(&field), code::REFERENCE_NOT_IN_MODEL, text, help);
    }
}

fn check_field(reference: &DeclaredReference, diagnostics: &mut Diagnostics) {
    let field = &reference.field;
    let is_in_oneof = field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic());
    if field.kind() != Kind::String || field.is_list() || field.is_map() || is_in_oneof {
        let message = format!("{} has `references`, but is not a single string outside of oneofs", field.name());
        let help = "use `string` or `optional string` outside of oneofs, or remove `references`";
        diagnostics.report(SourceLocation::of_field(field), code::REFERENCE_FIELD_TYPE, message, help);
    } else if let Some(role) = field_role(field) {
        let message = format!("{} has `references` and {}", field.name(), role.option_name());
        let help = "use an ordinary field, or add `role: ROLE_NONE` next to `references`";
        diagnostics.report(SourceLocation::of_field(field), code::REFERENCE_ROLE, message, help);
    }
}

fn check_model(
    declared: &DeclaredModel,
    reference: &DeclaredReference,
    models: &[DeclaredModel],
    diagnostics: &mut Diagnostics,
) {
    if find_target(models, declared, &reference.model).is_some() {
        return;
    }
    let (field, written) = (&reference.field, &reference.model);
    let message = match written.as_str() {
        "" => format!("{} has `references` without a model", field.name()),
        _ => format!("{} references {written:?}, which is not a model", field.name()),
    };
    let package = declared.message.package_name();
    let neighbours = models.iter().filter(|model| model.message.package_name() == package).map(DeclaredModel::name);
    let help = match nearest(written, neighbours.chain(models.iter().map(DeclaredModel::full_name))) {
        Some(near) => format!("did you mean {near:?}?"),
        None => {
            "write `model: \"<full name>\"`, or the short name for a model in the same package; the upload must contain \
                 the model"
                .to_owned()
        }
    };
    diagnostics.report(SourceLocation::of_field(field), code::REFERENCE_MODEL_UNKNOWN, message, help);
}

fn check_on_delete(reference: &DeclaredReference, diagnostics: &mut Diagnostics) {
    let field = &reference.field;
    let behavior = roles::field_behavior(field, None);
    let fixed = match (is_required_by_rule(field) || behavior.required, behavior.immutable) {
        (true, _) => Some("required"),
        (false, true) => Some("IMMUTABLE"),
        (false, false) => None,
    };
    match reference.on_delete {
        None => {
            let message = format!("{} has an unknown on_delete", field.name());
            let help = "use a value of groundplan.model.v1.OnDelete";
            diagnostics.report(SourceLocation::of_field(field), code::REFERENCE_ON_DELETE_UNKNOWN, message, help);
        }
        Some(OnDelete::SetNull) => {
            if let Some(fixed) = fixed {
                let message = format!("{} is {fixed}, so ON_DELETE_SET_NULL could not clear it", field.name());
                let help = "use ON_DELETE_RESTRICT or ON_DELETE_CASCADE, or make the field optional and mutable";
                diagnostics.report(SourceLocation::of_field(field), code::REFERENCE_ON_DELETE_CONFLICT, message, help);
            }
        }
        Some(OnDelete::Restrict | OnDelete::Cascade) => {}
    }
}

/// Checks that a cascade can be undone: undeleting a record must restore the records that were deleted with it.
fn check_cascade(
    declared: &DeclaredModel,
    reference: &DeclaredReference,
    models: &[DeclaredModel],
    diagnostics: &mut Diagnostics,
) {
    let target = find_target(models, declared, &reference.model).filter(|target| target.soft_delete.is_some());
    let is_cascade = reference.on_delete == Some(OnDelete::Cascade);
    if let (Some(target), true, None) = (target, is_cascade, declared.soft_delete) {
        let message = format!(
            "{} has ON_DELETE_CASCADE to {}, which has `soft_delete`, so undelete could not restore {}",
            reference.field.name(),
            target.full_name(),
            declared.full_name()
        );
        let help = format!(
            "add `soft_delete: {{}}` to the option of {}, or use ON_DELETE_RESTRICT or ON_DELETE_SET_NULL",
            declared.full_name()
        );
        diagnostics.report(
            SourceLocation::of_field(&reference.field),
            code::REFERENCE_ON_DELETE_CONFLICT,
            message,
            help,
        );
    }
}
