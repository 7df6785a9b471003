//! Checks models as a whole: their number, their location and their options.

use super::CheckedModels;
use crate::code;
use crate::declared::{DeclaredModel, MAX_RETENTION_DAYS};
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::input::report_proto2;
use crate::naming::{is_resource, is_upper_camel};
use crate::scan;
use prost_reflect::Syntax;
use std::collections::BTreeSet;

/// The maximum number of models.
pub(crate) const MAX_MODELS: usize = 500;

pub(super) fn check(checked: &CheckedModels<'_>, diagnostics: &mut Diagnostics) {
    if checked.models.len() > MAX_MODELS {
        let message = format!("there are {} models; at most {MAX_MODELS} are allowed", checked.models.len());
        diagnostics.report(
            SourceLocation::default(),
            code::MODELS_TOO_MANY,
            message,
            "spread them over several installations",
        );
    }
    let mut proto2 = BTreeSet::new();
    for declared in checked.models {
        check_model(declared, diagnostics);
        let file = declared.message.parent_file();
        if file.syntax() == Syntax::Proto2 && proto2.insert(file.name().to_owned()) {
            let text = checked.files.get(file.name()).and_then(|file| file.text.as_deref());
            let location = match text {
                Some(text) => SourceLocation::at_offset(file.name(), text, scan::scan(text).syntax_at),
                None => SourceLocation::of_file(file.name()),
            };
            report_proto2(location, diagnostics);
        }
    }
}

fn check_model(declared: &DeclaredModel, diagnostics: &mut Diagnostics) {
    let full_name = declared.full_name();
    let location = || declared.option_location();
    if declared.message.parent_message().is_some() {
        let message = format!("{full_name} is nested in another message, but models must be top-level messages");
        diagnostics.report(location(), code::MODEL_NESTED, message, "move it to the top level of its file");
    }
    if !is_resource(&declared.resource) {
        let message = format!("{:?} is not a valid resource name", declared.resource);
        let help = "set `resource` to a letter, followed by letters, digits, `-` or `_`, with at most 63 characters";
        diagnostics.report(location(), code::RESOURCE_INVALID, message, help);
    }
    if declared.plural_is_written && !is_upper_camel(&declared.plural) {
        let message = format!("{:?} is not a valid plural in UpperCamelCase", declared.plural);
        let help = "set `plural` to a capital letter, followed by letters and digits, with at most 63 characters";
        diagnostics.report(location(), code::PLURAL_INVALID, message, help);
    }
    if declared.id_format.is_none() {
        let message = format!("{full_name} has an unknown id_format");
        diagnostics.report(
            location(),
            code::ID_FORMAT_UNKNOWN,
            message,
            "use ID_FORMAT_UUID_V7 or ID_FORMAT_CLIENT_ASSIGNED",
        );
    }
    if let Some(history) = declared.history.filter(|history| history.history().is_none()) {
        let message = format!("{full_name} has a history retention of {} days", history.retention_days);
        let help = format!(
            "set `retention_days` to a value from 1 to {MAX_RETENTION_DAYS}, or remove it for the default of 30"
        );
        diagnostics.report(location(), code::HISTORY_RETENTION_INVALID, message, help);
    }
}
