//! Finds changes that need an unsupported step. Fields are identified by number, types by full name.

use super::compare_lifetimes;
use super::type_text::type_text;
use super::unsupported::{field_location, message_location, report_unsupported};
use crate::catalog::{Catalog, Index, IndexMethod, Model};
use crate::code;
use crate::declared;
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::shape::{EnumShape, FieldId, Shape};
use std::collections::{HashMap, HashSet};

const HELP_FIELD: &str = "keep the field as it is, and add a new one under a new number";

/// Reports a removed model.
pub(super) fn report_dropped_model(model: &Model, base: &Catalog, diagnostics: &mut Diagnostics) {
    let file = base.pool.get_message_by_name(&model.full_name).map(|message| message.parent_file().name().to_owned());
    let location = SourceLocation::of_file(&file.unwrap_or_default());
    let change = format!("dropping (or renaming) the model {}", model.full_name);
    report_unsupported(
        diagnostics,
        location,
        code::STEP_NOT_SUPPORTED_DROP_MODEL,
        &change,
        "keep the model in the applied files",
    );
}

/// Reports unsupported changes of a model.
pub(super) fn compare_models(
    base: &Catalog,
    before: &Model,
    after: &Model,
    target: &Catalog,
    diagnostics: &mut Diagnostics,
) {
    let location = || message_location(target, &after.full_name);
    let mut report_change = |aspect: &str, old: &str, new: &str| {
        if old != new {
            let change = format!("changing the {aspect} of {} from {old} to {new}", after.full_name);
            let help = "restore its value";
            report_unsupported(diagnostics, location(), code::STEP_NOT_SUPPORTED_CHANGE_MODEL, &change, help);
        }
    };
    report_change("resource", &before.resource, &after.resource);
    report_change("plural", &before.plural, &after.plural);
    report_change("id format", before.id_format.option_name(), after.id_format.option_name());
    compare_roles(before, after, target, diagnostics);
    compare_indexes(base, before, after, target, diagnostics);
}

fn compare_indexes(base: &Catalog, before: &Model, after: &Model, target: &Catalog, diagnostics: &mut Diagnostics) {
    let declared = declared::index_count(&base.pool, &before.full_name);
    for (at, index) in before.indexes.iter().enumerate() {
        let stays = after.indexes.iter().any(|new| new.name == index.name);
        if compare_lifetimes::is_reported(before, index, after) {
            continue;
        }
        // The index that a reference implied can be replaced by another one, and stays in the database. If the
        // reference is gone, another diagnostic reports that, and the index is not mentioned because no one declared
        // it.
        let is_of_reference = at >= declared;
        let replaced = || after.indexes.iter().any(|new| start_with_same_field(before, index, after, new));
        if stays || is_of_reference && (!still_refers(before, index, after) || replaced()) {
            continue;
        }
        let fields: Vec<&str> =
            index.fields.iter().map(|part| before.shape().field(part.field).name.as_str()).collect();
        let change = format!("dropping (or changing) the index of {} on {}", after.full_name, fields.join(", "));
        let help = "keep the index as it is, and add the new one";
        let location = message_location(target, &after.full_name);
        report_unsupported(diagnostics, location, code::STEP_NOT_SUPPORTED_DROP_INDEX, &change, help);
    }
}

/// Returns whether the field of a reference's index is still a reference after the change.
fn still_refers(before: &Model, index: &Index, after: &Model) -> bool {
    let number = index.fields.first().map(|part| before.shape().field(part.field).number);
    number.and_then(|number| after.shape().by_number(number)).is_some_and(|id| after.reference(id).is_some())
}

/// Returns whether both indexes find records by the same field.
fn start_with_same_field(before: &Model, old: &Index, after: &Model, new: &Index) -> bool {
    let first = |model: &Model, index: &Index| index.fields.first().map(|part| model.shape().field(part.field).number);
    new.method == IndexMethod::Ordered && !new.excludes_deleted && first(before, old) == first(after, new)
}

fn compare_roles(before: &Model, after: &Model, target: &Catalog, diagnostics: &mut Diagnostics) {
    let number = |model: &Model, id: Option<FieldId>| id.map(|id| model.shape().field(id).number);
    let (old, new) = (&before.roles, &after.roles);
    for (role, old, new) in [
        ("ROLE_ID", Some(old.id), Some(new.id)),
        ("ROLE_CREATE_TIME", old.created_at, new.created_at),
        ("ROLE_UPDATE_TIME", old.updated_at, new.updated_at),
        ("ROLE_ETAG", old.etag, new.etag),
    ] {
        let (old, new) = (number(before, old), number(after, new));
        // A removed field is reported separately, and a new field can have a role that no field had.
        let is_dropped = old.is_some_and(|number| after.shape().by_number(number).is_none());
        let is_added = old.is_none() && new.is_some_and(|number| before.shape().by_number(number).is_none());
        if old != new && !is_dropped && !is_added {
            let change = format!("changing which field of {} has {role}", after.full_name);
            let location = message_location(target, &after.full_name);
            report_unsupported(
                diagnostics,
                location,
                code::STEP_NOT_SUPPORTED_CHANGE_ROLE,
                &change,
                "keep the role on its field",
            );
        }
    }
}

/// Reports unsupported changes of the types that models use, including the models.
pub(super) fn compare_types(base: &Catalog, target: &Catalog, diagnostics: &mut Diagnostics) {
    for before in &base.shapes.shapes {
        if let Some(after) = target.shapes.by_name(&before.full_name) {
            let after = target.shapes.get(after);
            compare_fields(base, before, target, after, diagnostics);
            report_new_oneof_members(base, before, target, after, diagnostics);
        }
    }
    let enums: HashMap<&str, &EnumShape> =
        target.shapes.enums.iter().map(|enumeration| (enumeration.full_name.as_str(), enumeration)).collect();
    for before in &base.shapes.enums {
        if let Some(after) = enums.get(before.full_name.as_str()) {
            compare_enum_values(before, after, target, diagnostics);
        }
    }
}

fn compare_fields(base: &Catalog, before: &Shape, target: &Catalog, after: &Shape, diagnostics: &mut Diagnostics) {
    let message = &before.full_name;
    for old in &before.fields {
        let name = &old.name;
        let Some(new) = after.by_number(old.number).map(|id| after.field(id)) else {
            let moved = after.fields.iter().find(|new| new.name == *name && before.by_number(new.number).is_none());
            let location = message_location(target, message);
            match moved {
                Some(new) => {
                    let change =
                        format!("renumbering field `{name}` of {message} from {} to {}", old.number, new.number);
                    report_unsupported(
                        diagnostics,
                        location,
                        code::STEP_NOT_SUPPORTED_RENUMBER_FIELD,
                        &change,
                        "restore its number",
                    );
                }
                None => {
                    let change = format!("dropping field `{name}` of {message}");
                    let help = "keep the field, and set `deprecated = true` for clients";
                    report_unsupported(diagnostics, location, code::STEP_NOT_SUPPORTED_DROP_FIELD, &change, help);
                }
            }
            continue;
        };
        let location = || field_location(target, message, new.number);
        if old.name != new.name {
            let change = format!("renaming field `{name}` of {message} to `{}`", new.name);
            let help = "restore its name; `json_name` changes only the name in JSON";
            report_unsupported(diagnostics, location(), code::STEP_NOT_SUPPORTED_RENAME_FIELD, &change, help);
        }
        let (old_type, new_type) = (type_text(&base.shapes, old), type_text(&target.shapes, new));
        if old_type != new_type {
            let change = format!("changing the type of field `{name}` of {message} from {old_type} to {new_type}");
            report_unsupported(
                diagnostics,
                location(),
                code::STEP_NOT_SUPPORTED_CHANGE_FIELD_TYPE,
                &change,
                HELP_FIELD,
            );
        } else if oneof(base, message, old.number) != oneof(target, message, new.number) {
            let change = format!("moving field `{name}` of {message} into, out of or between oneofs");
            report_unsupported(diagnostics, location(), code::STEP_NOT_SUPPORTED_CHANGE_ONEOF, &change, HELP_FIELD);
        }
    }
}

/// Reports new members of an existing oneof. A process of the previous revision does not know them: where it sets
/// another member, it would leave them set too.
fn report_new_oneof_members(
    base: &Catalog,
    before: &Shape,
    target: &Catalog,
    after: &Shape,
    diagnostics: &mut Diagnostics,
) {
    let message = &before.full_name;
    let known: HashSet<String> = before.fields.iter().filter_map(|old| oneof(base, message, old.number)).collect();
    for new in &after.fields {
        let name = &new.name;
        // A renumbered or renamed field is reported separately.
        if before.by_number(new.number).is_some() || before.fields.iter().any(|old| old.name == *name) {
            continue;
        }
        if let Some(oneof) = oneof(target, message, new.number).filter(|oneof| known.contains(oneof)) {
            let change = format!("adding field `{name}` to the oneof `{oneof}` of {message}");
            let help = "add the field outside of the oneof, or to a new one";
            let location = field_location(target, message, new.number);
            report_unsupported(diagnostics, location, code::STEP_NOT_SUPPORTED_ADD_ONEOF_MEMBER, &change, help);
        }
    }
}

fn compare_enum_values(before: &EnumShape, after: &EnumShape, target: &Catalog, diagnostics: &mut Diagnostics) {
    let enumeration = &before.full_name;
    let location = || match target.pool.get_enum_by_name(enumeration) {
        Some(descriptor) => SourceLocation::at_path(&descriptor.parent_file(), descriptor.path()),
        None => SourceLocation::default(),
    };
    for (name, number) in &before.values {
        match (after.number(name), after.name(*number)) {
            (Some(new), _) if new == *number => {}
            (None, Some(other)) => {
                let change = format!("renaming value `{name}` of {enumeration} to `{other}`");
                report_unsupported(
                    diagnostics,
                    location(),
                    code::STEP_NOT_SUPPORTED_RENAME_ENUM_VALUE,
                    &change,
                    "restore its name",
                );
            }
            (Some(new), _) => {
                let change = format!("renumbering value `{name}` of {enumeration} from {number} to {new}");
                report_unsupported(
                    diagnostics,
                    location(),
                    code::STEP_NOT_SUPPORTED_DROP_ENUM_VALUE,
                    &change,
                    "restore its number",
                );
            }
            (None, None) => {
                let change = format!("dropping value `{name}` of {enumeration}");
                let help = "keep it, and set `deprecated = true` for clients";
                report_unsupported(diagnostics, location(), code::STEP_NOT_SUPPORTED_DROP_ENUM_VALUE, &change, help);
            }
        }
    }
}

/// Returns the name of the oneof that contains a field.
fn oneof(catalog: &Catalog, message: &str, number: u32) -> Option<String> {
    let field = catalog.pool.get_message_by_name(message)?.get_field(number)?;
    field.containing_oneof().filter(|oneof| !oneof.is_synthetic()).map(|oneof| oneof.name().to_owned())
}
