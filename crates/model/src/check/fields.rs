//! Checks the roles, types and JSON names of fields.

use crate::code;
use crate::declared::DeclaredModel;
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::roles::{self, DeclaredRole, Role, fields_with_role};
use crate::types;
use prost_reflect::MessageDescriptor;
use std::collections::HashMap;

/// The maximum number of fields of a message.
pub(crate) const MAX_FIELDS: usize = 500;

/// Checks the roles of a model's fields.
pub(super) fn check_roles(declared: &DeclaredModel, diagnostics: &mut Diagnostics) {
    for field in declared.message.fields() {
        match roles::declared_role(&field) {
            DeclaredRole::Role(role) if !role.fits(&field) => {
                let message = format!(
                    "{} has {}, which needs a field of type {}",
                    field.name(),
                    role.option_name(),
                    role.type_name()
                );
                let help = format!("make it a single {} outside of oneofs, or remove the role", role.type_name());
                diagnostics.report(SourceLocation::of_field(&field), code::ROLE_TYPE, message, help);
            }
            DeclaredRole::Unknown(number) => {
                let message = format!("{} has the unknown role {number}", field.name());
                diagnostics.report(
                    SourceLocation::of_field(&field),
                    code::ROLE_UNKNOWN,
                    message,
                    "use a value of groundplan.model.v1.Role",
                );
            }
            _ => {}
        }
    }
    for role in Role::ALL {
        let fields = fields_with_role(&declared.message, role);
        if let Some((first, others)) = fields.split_first() {
            for other in others {
                let message = format!("{} and {} both have {}", first.name(), other.name(), role.option_name());
                let help = "write `[(groundplan.model.v1.field).role = ROLE_NONE]` on the ordinary field";
                diagnostics.report(SourceLocation::of_field(other), code::ROLE_TWICE, message, help);
            }
        } else if role == Role::Id {
            report_no_id(declared, diagnostics);
        }
    }
}

fn report_no_id(declared: &DeclaredModel, diagnostics: &mut Diagnostics) {
    let full_name = declared.full_name();
    let explicit = declared.message.fields().any(|field| roles::declared_role(&field) == DeclaredRole::Role(Role::Id));
    let by_name = declared.message.get_field_by_name("id").filter(|id| roles::declared_role(id) == DeclaredRole::Unset);
    match by_name {
        // Reported as ROLE_TYPE.
        _ if explicit => {}
        Some(id) => {
            let message =
                format!("the field id of {full_name} is not a single string outside of oneofs, so it cannot be the id");
            let help = "write `string id`, or give ROLE_ID to another field of type string";
            diagnostics.report(SourceLocation::of_field(&id), code::ID_NOT_STRING, message, help);
        }
        None => {
            let message = format!("{full_name} has no id");
            let help = format!(
                "add `string id = {};`, or write `[(groundplan.model.v1.field).role = ROLE_ID]` on the id field",
                free_number(&declared.message)
            );
            diagnostics.report(declared.location(), code::ID_MISSING, message, help);
        }
    }
}

/// Returns the smallest number that is neither used nor reserved.
fn free_number(message: &MessageDescriptor) -> u32 {
    let is_reserved = |number: u32| message.reserved_ranges().any(|range| range.contains(&number));
    (1..).find(|&number| message.get_field(number).is_none() && !is_reserved(number)).unwrap_or(1)
}

/// Returns whether a JSON name consists of letters, digits, `_` and `-`, and does not start with a digit or `-`. Field
/// masks use commas and dots as separators, `$` and `@` have a meaning in JSON tools, and generators derive identifiers
/// from names.
fn is_json_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Checks a message that a model uses.
pub(super) fn check_types(message: &MessageDescriptor, diagnostics: &mut Diagnostics) {
    let count = message.fields().len();
    if count > MAX_FIELDS {
        let text = format!("{} has {count} fields; at most {MAX_FIELDS} are allowed", message.full_name());
        diagnostics.report(
            SourceLocation::of_message(message),
            code::FIELDS_TOO_MANY,
            text,
            "move some of them into nested messages",
        );
    }
    let mut json_names = HashMap::new();
    for field in message.fields() {
        if let Some((reason, help)) = types::unsupported_reason(&field) {
            diagnostics.report(
                SourceLocation::of_field(&field),
                code::TYPE_NOT_SUPPORTED,
                format!("{}: {reason}", field.name()),
                help,
            );
        }
        if !is_json_name(field.json_name()) {
            let text = format!("{:?} is not a valid JSON name for {}", field.json_name(), field.name());
            let help = "set `json_name` to a letter or `_`, followed by letters, digits, `_` or `-`, or remove it";
            diagnostics.report(SourceLocation::of_field(&field), code::JSON_NAME_INVALID, text, help);
        }
        json_names.insert(field.json_name().to_owned(), field);
    }
    for field in message.fields() {
        // JSON accepts both names, so neither can be the name of another field.
        if let Some(other) = json_names.get(field.name())
            && other.number() != field.number()
        {
            let text = format!("{:?} is the name of one field and the JSON name of {:?}", field.name(), other.name());
            diagnostics.report(
                SourceLocation::of_field(&field),
                code::JSON_NAME_CLASH,
                text,
                "change `json_name`, or rename one of them",
            );
        }
    }
}
