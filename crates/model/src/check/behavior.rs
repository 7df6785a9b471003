//! Checks that `google.api.field_behavior` and the rules of a field do not contradict each other.

use crate::catalog::IdFormat;
use crate::code;
use crate::declared::DeclaredModel;
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::options::{FormulaKind, formula_source, is_required_by_rule};
use crate::roles::{Role, field_behavior, field_role};

pub(super) fn check(declared: &DeclaredModel, diagnostics: &mut Diagnostics) {
    for field in declared.message.fields() {
        let role = field_role(&field);
        let says = field_behavior(&field, role);
        let name = field.name();
        let is_computed = formula_source(&field, FormulaKind::Computed).is_some();
        let set_by = match role {
            Some(role) if role.is_set_by_server() => format!("{name} is set by the server ({})", role.option_name()),
            _ if is_computed => format!("{name} is computed"),
            _ => format!("{name} is OUTPUT_ONLY"),
        };
        let mut report = |message: String, help: &str| {
            diagnostics.report(SourceLocation::of_field(&field), code::FIELD_BEHAVIOR_CONFLICT, message, help);
        };
        if says.output_only && says.required {
            report(format!("{set_by}, so callers cannot be required to set it"), "remove REQUIRED");
        }
        if says.output_only && is_required_by_rule(&field) {
            report(
                format!("{set_by}, but its rules require callers to set it"),
                "remove `(buf.validate.field).required`",
            );
        }
        if says.output_only && says.input_only {
            report(format!("{set_by} and INPUT_ONLY, so no one could set or read it"), "remove one of the two");
        }
        if is_computed && says.immutable {
            let help = "use `default`, which is evaluated once, or remove IMMUTABLE";
            report(format!("{name} is computed at each write, so it cannot be IMMUTABLE"), help);
        }
        if role == Some(Role::Id) && says.input_only {
            report(format!("{name} is the id, so it cannot be INPUT_ONLY"), "remove INPUT_ONLY");
        }
        if role == Some(Role::Id) && says.output_only && declared.id_format == Some(IdFormat::ClientAssigned) {
            report(
                format!("{name} is assigned by clients, so it cannot be OUTPUT_ONLY"),
                "remove OUTPUT_ONLY, or use ID_FORMAT_UUID_V7",
            );
        }
    }
}
