//! Models as a whole: how many there are, where they are declared, what their options say.

use super::Subject;
use crate::code;
use crate::declared::{Declared, MAX_RETENTION_DAYS};
use crate::diagnostic::{Findings, Place};
use crate::input::report_proto2;
use crate::naming::{is_resource, is_upper_camel};
use crate::scan;
use prost_reflect::Syntax;
use std::collections::BTreeSet;

/// The most models.
pub(crate) const MAX_MODELS: usize = 500;

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings) {
    if subject.models.len() > MAX_MODELS {
        let message = format!("there are {} models; at most {MAX_MODELS} are allowed", subject.models.len());
        found.report(Place::default(), code::MODELS_TOO_MANY, message, "apply them to several installations");
    }
    let mut proto2 = BTreeSet::new();
    for declared in subject.models {
        check_model(declared, found);
        let file = declared.message.parent_file();
        if file.syntax() == Syntax::Proto2 && proto2.insert(file.name().to_owned()) {
            let text = subject.files.get(file.name()).and_then(|file| file.text.as_deref());
            let place = match text {
                Some(text) => Place::offset(file.name(), text, scan::scan(text).syntax_at),
                None => Place::file(file.name()),
            };
            report_proto2(place, found);
        }
    }
}

fn check_model(declared: &Declared, found: &mut Findings) {
    let full_name = declared.full_name();
    let place = || declared.option_place();
    if declared.message.parent_message().is_some() {
        let message = format!("{full_name} is declared inside another message, and models are top-level messages");
        found.report(place(), code::MODEL_NESTED, message, "move it to the top level of its file");
    }
    if !is_resource(&declared.resource) {
        let message = format!("{:?} is not the name of a resource", declared.resource);
        let help = "set `resource` to a letter, then letters, digits, `-` or `_`, at most 63 in all";
        found.report(place(), code::RESOURCE_INVALID, message, help);
    }
    if declared.plural_is_written && !is_upper_camel(&declared.plural) {
        let message = format!("{:?} is not a plural in UpperCamel", declared.plural);
        let help = "set `plural` to a capital letter, then letters and digits, at most 63 in all";
        found.report(place(), code::PLURAL_INVALID, message, help);
    }
    if declared.id_format.is_none() {
        let message = format!("{full_name} has an id_format that this version does not know");
        found.report(place(), code::ID_FORMAT_UNKNOWN, message, "use ID_FORMAT_UUID_V7 or ID_FORMAT_CLIENT_ASSIGNED");
    }
    if let Some(history) = declared.history.filter(|history| history.history().is_none()) {
        let message = format!("{full_name} has a history of {} days", history.retention_days);
        let help = format!("set `retention_days` to 1 to {MAX_RETENTION_DAYS}, or leave it out for 30");
        found.report(place(), code::HISTORY_RETENTION_INVALID, message, help);
    }
}
