//! What `google.api.field_behavior` and rules say of one field must be possible at once.

use crate::catalog::IdFormat;
use crate::code;
use crate::declared::{Declared, is_required_by_rule};
use crate::diagnostic::{Findings, Place};
use crate::roles::{Role, behavior, of_field};

pub(super) fn check(declared: &Declared, found: &mut Findings) {
    for field in declared.message.fields() {
        let role = of_field(&field);
        let says = behavior(&field, role);
        let name = field.name();
        let set_by = match role {
            Some(role) if role != Role::Id => format!("{name} is set by the server ({})", role.option_name()),
            _ => format!("{name} is OUTPUT_ONLY"),
        };
        let mut report = |message: String, help: &str| {
            found.report(Place::field(&field), code::FIELD_BEHAVIOR_CONFLICT, message, help);
        };
        if says.output_only && says.required {
            report(format!("{set_by} and REQUIRED of callers"), "drop REQUIRED");
        }
        if says.output_only && is_required_by_rule(&field) {
            report(format!("{set_by}, and its rules require it of callers"), "drop `(buf.validate.field).required`");
        }
        if says.output_only && says.input_only {
            report(format!("{set_by} and INPUT_ONLY: nobody could ever see it"), "keep one of the two");
        }
        if role == Some(Role::Id) && says.input_only {
            report(format!("{name} is the id and INPUT_ONLY: nobody could get the record"), "drop INPUT_ONLY");
        }
        if role == Some(Role::Id) && says.output_only && declared.id_format == Some(IdFormat::ClientAssigned) {
            report(
                format!("{name} is assigned by clients and OUTPUT_ONLY"),
                "drop OUTPUT_ONLY, or use ID_FORMAT_UUID_V7",
            );
        }
    }
}
