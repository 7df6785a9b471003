//! Finds unsupported changes of soft delete and expiry.

use super::unsupported::{message_location, report_unsupported};
use crate::catalog::{Catalog, Index, IndexMethod, Model};
use crate::code;
use crate::diagnostic::Diagnostics;
use crate::shape::FieldId;

/// Reports unsupported changes. Retention and TTL can change.
pub(super) fn compare_lifetimes(before: &Model, after: &Model, target: &Catalog, diagnostics: &mut Diagnostics) {
    let name = &after.full_name;
    let location = || message_location(target, name);
    if before.soft_delete.is_some() && after.soft_delete.is_none() {
        let change = format!("removing `soft_delete` from {name}, which would restore deleted records,");
        let help = "keep it; with `retention_days: 1`, deleted records are purged after one day";
        report_unsupported(diagnostics, location(), code::STEP_NOT_SUPPORTED_CHANGE_MODEL, &change, help);
    }
    if before.expiry.is_some() && after.expiry.is_none() {
        let change = format!("removing `expiry` from {name}, which could restore expired records,");
        let help = "keep it without a `ttl`; a record without a time does not expire";
        report_unsupported(diagnostics, location(), code::STEP_NOT_SUPPORTED_CHANGE_MODEL, &change, help);
    }
    for index in before.indexes.iter().filter(|index| starts_excluding_deleted(before, index, after)) {
        let fields: Vec<&str> =
            index.fields.iter().map(|part| before.shape().field(part.field).name.as_str()).collect();
        let change = format!(
            "adding `soft_delete` to {name}, whose unique index on {} would have to exclude deleted records,",
            fields.join(", ")
        );
        let help = "remove it; only a new model can have both";
        report_unsupported(diagnostics, location(), code::STEP_NOT_SUPPORTED_DROP_INDEX, &change, help);
    }
    compare_role("ROLE_DELETE_TIME", |model| model.roles.deleted_at, before, after, target, diagnostics);
    compare_role("ROLE_EXPIRE_TIME", |model| model.roles.expires_at, before, after, target, diagnostics);
}

/// Reports a role that an existing field gets: its values would have a different meaning from then on.
fn compare_role(
    role: &str,
    field_of: impl Fn(&Model) -> Option<FieldId>,
    before: &Model,
    after: &Model,
    target: &Catalog,
    diagnostics: &mut Diagnostics,
) {
    let old = field_of(before);
    let Some(new) = field_of(after).map(|id| after.shape().field(id)) else { return };
    let known = before.shape().by_number(new.number);
    let is_moved = old.is_some_and(|old| before.shape().field(old).number != new.number);
    if known.is_none() && !is_moved || known == old {
        return;
    }
    let change = format!("giving {role} to field `{}` of {}", new.name, after.full_name);
    let help = if is_moved {
        "keep the role on its field".to_owned()
    } else {
        format!(
            "its values have another meaning: write `[(groundplan.model.v1.field).role = ROLE_NONE]` on it, and add a new field \
             with `role = {role}`"
        )
    };
    let location = message_location(target, &after.full_name);
    report_unsupported(diagnostics, location, code::STEP_NOT_SUPPORTED_CHANGE_ROLE, &change, &help);
}

/// Returns whether [`compare_lifetimes`] already reports a removed index.
pub(super) fn is_reported(before: &Model, index: &Index, after: &Model) -> bool {
    let is_off = before.soft_delete.is_some() && after.soft_delete.is_none();
    index.method == IndexMethod::Purge
        || starts_excluding_deleted(before, index, after)
        || is_off && index.excludes_deleted && has_similar_index(before, index, after, false)
}

/// Returns whether a unique index changes to exclude deleted records.
fn starts_excluding_deleted(before: &Model, index: &Index, after: &Model) -> bool {
    index.unique && !index.excludes_deleted && has_similar_index(before, index, after, true)
}

/// Returns whether the changed model has a unique index on the same fields that includes or excludes deleted records.
fn has_similar_index(before: &Model, index: &Index, after: &Model, excludes_deleted: bool) -> bool {
    let parts = |model: &Model, index: &Index| -> Vec<(u32, bool)> {
        index.fields.iter().map(|part| (model.shape().field(part.field).number, part.descending)).collect()
    };
    let is_similar = |new: &&Index| new.unique && new.excludes_deleted == excludes_deleted;
    after.indexes.iter().filter(is_similar).any(|new| parts(after, new) == parts(before, index))
}
