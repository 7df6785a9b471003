//! Checks soft delete, expiry, and the fields that they need.

use crate::code;
use crate::declared::{DEFAULT_DELETED_DAYS, DeclaredModel, MAX_DELETED_DAYS, MAX_TTL_SECONDS};
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::roles::{self, DeclaredRole, Role, fields_with_role};

/// The field numbers that Protocol Buffers reserves.
const RESERVED_NUMBERS: std::ops::RangeInclusive<u32> = 19_000..=19_999;

pub(super) fn check(declared: &DeclaredModel, diagnostics: &mut Diagnostics) {
    let full_name = declared.full_name();
    if let Some(written) = declared.soft_delete.filter(|written| written.soft_delete().is_none()) {
        let message = format!("{full_name} keeps deleted records for {} days", written.retention_days);
        let help = format!(
            "set `retention_days` to a value from 1 to {MAX_DELETED_DAYS}, or remove it for the default of {DEFAULT_DELETED_DAYS}"
        );
        diagnostics.report(declared.option_location(), code::SOFT_DELETE_RETENTION_INVALID, message, help);
    }
    if let Some((seconds, nanos)) = declared.expiry.filter(|written| written.expiry().is_none()).and_then(|it| it.ttl) {
        let message = format!("{full_name} has a ttl of {seconds} seconds and {nanos} nanoseconds");
        let help = format!(
            "set `ttl` to at least a microsecond and at most {MAX_TTL_SECONDS} seconds, such as `ttl: {{ seconds: 3600 }}`, \
             or remove it; records then expire only if callers set a time"
        );
        diagnostics.report(declared.option_location(), code::EXPIRY_TTL_INVALID, message, help);
    }
    for (role, name, code) in [
        (Role::DeleteTime, "deleted_at", code::DELETE_TIME_MISSING),
        (Role::ExpireTime, "expires_at", code::EXPIRE_TIME_MISSING),
    ] {
        check_field(declared, role, name, code, diagnostics);
    }
}

/// Checks that a field has a role exactly if the model's option needs it. `name` is the name that implies the role.
fn check_field(declared: &DeclaredModel, role: Role, name: &str, code: &'static str, diagnostics: &mut Diagnostics) {
    let option = role.required_option().unwrap_or_default();
    let full_name = declared.full_name();
    let mut explicit =
        declared.message.fields().filter(|field| roles::declared_role(field) == DeclaredRole::Role(role));
    if !role.is_enabled_for(&declared.message) {
        for field in explicit {
            let message = format!("{} has {}, but {full_name} has no `{option}`", field.name(), role.option_name());
            let help = format!("write `{option}: {{}}` in the model's option, or remove the role");
            diagnostics.report(SourceLocation::of_field(&field), code::ROLE_WITHOUT_OPTION, message, help);
        }
        return;
    }
    // A field whose type does not fit its explicit role is reported as ROLE_TYPE.
    if explicit.next().is_some() || !fields_with_role(&declared.message, role).is_empty() {
        return;
    }
    let message = format!("{full_name} has `{option}`, but no field with {}", role.option_name());
    let help = match declared.message.get_field_by_name(name) {
        None => format!("add `{} {name} = {};`", role.type_name(), next_number(declared)),
        Some(_) => format!(
            "make `{name}` a single {0} outside of oneofs, or write `[(groundplan.model.v1.field).role = {1}]` on such a \
             field",
            role.type_name(),
            role.option_name()
        ),
    };
    diagnostics.report(declared.option_location(), code, message, help);
}

/// Returns a field number that the message has not used so far.
fn next_number(declared: &DeclaredModel) -> u32 {
    let fields = declared.message.fields().map(|field| field.number());
    // The ends of reserved ranges are exclusive.
    let reserved = declared.message.reserved_ranges().map(|range| range.end.saturating_sub(1));
    let next = fields.chain(reserved).max().unwrap_or(0).saturating_add(1);
    if RESERVED_NUMBERS.contains(&next) { RESERVED_NUMBERS.end() + 1 } else { next }
}
