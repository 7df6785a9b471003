//! Checks where defaults and computed fields are allowed. The `expr` crate checks their expressions.

use crate::code;
use crate::declared::{DeclaredModel, declared_reference};
use crate::diagnostic::Diagnostics;
use crate::options::{FormulaKind, formula_location, formula_source};
use crate::roles::{Role, field_role};
use prost_reflect::{FieldDescriptor, MessageDescriptor};

pub(super) fn check(declared: &DeclaredModel, diagnostics: &mut Diagnostics) {
    for field in declared.message.fields() {
        let formula = |kind| formula_source(&field, kind).is_some();
        if formula(FormulaKind::Default) && formula(FormulaKind::Computed) {
            let message = format!("{} has both `default` and `computed`", field.name());
            let help = "keep `default` if callers can set the field, or `computed` if only the server sets it";
            diagnostics.report(formula_location(&field, FormulaKind::Computed), code::FORMULA_CONFLICT, message, help);
        }
        for kind in FormulaKind::ALL.into_iter().filter(|kind| formula(*kind)) {
            check_field(declared, &field, kind, diagnostics);
        }
    }
}

fn check_field(declared: &DeclaredModel, field: &FieldDescriptor, kind: FormulaKind, diagnostics: &mut Diagnostics) {
    let (name, option) = (field.name(), kind.option_name());
    let mut report =
        |code, message: String, help: &str| diagnostics.report(formula_location(field, kind), code, message, help);
    match (field_role(field), kind) {
        (Some(Role::ExpireTime), FormulaKind::Default) => {
            if declared.expiry.is_some_and(|expiry| expiry.ttl.is_some()) {
                let message = format!("{name} has a `default`, and the model's `expiry` has a `ttl`");
                report(code::FORMULA_CONFLICT, message, "remove one of the two; both set the time when records expire");
            }
        }
        (Some(role), _) => {
            let message = format!("{name} has {} and `{option}`", role.option_name());
            let help = match role {
                Role::ExpireTime => "use `default`, or the `ttl` of the model's `expiry`; callers can set the time",
                Role::Id => "remove it; `id_format` defines who assigns ids",
                _ => "remove it; the server sets the field",
            };
            report(code::FORMULA_ROLE, message, help);
        }
        (None, FormulaKind::Computed) if declared_reference(field).is_some() => {
            let message = format!("{name} has both `references` and `computed`");
            report(code::FORMULA_ROLE, message, "remove one of the two; a reference can have a `default`");
        }
        (None, _) => {}
    }
    if field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic() && oneof.fields().len() > 1) {
        let message =
            format!("{name} is in a oneof and has `{option}`, which would clear the field that the caller set");
        report(code::FORMULA_IN_ONEOF, message, "move the field out of the oneof, or remove the option");
    }
}

/// Reports formulas in a message that is not a model: they would not be evaluated.
pub(super) fn check_non_model(message: &MessageDescriptor, models: &[DeclaredModel], diagnostics: &mut Diagnostics) {
    if models.iter().any(|model| model.full_name() == message.full_name()) {
        return;
    }
    for field in message.fields() {
        for kind in FormulaKind::ALL.into_iter().filter(|kind| formula_source(&field, *kind).is_some()) {
            let option = kind.option_name();
            let text = format!("{} has `{option}`, but {} is not a model", field.name(), message.full_name());
            let help = "set it on the model's field that contains the message, or remove it";
            diagnostics.report(formula_location(&field, kind), code::FORMULA_NOT_IN_MODEL, text, help);
        }
    }
}
