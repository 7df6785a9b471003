//! Checks that names fit into PostgreSQL and are not reserved.

use crate::code;
use crate::declared::DeclaredModel;
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::naming::{MAX_IDENTIFIER, snake_case};
use crate::roles::{Role, field_role};

/// Columns that every PostgreSQL table has.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// Fields of derived requests, now or in the future, in addition to the one named after the model.
const REQUEST_FIELDS: [&str; 6] = ["id", "updatemask", "etag", "requestid", "validateonly", "allowmissing"];

/// Fields of derived list responses, now or in the future, in addition to the one named after the plural.
const LIST_FIELDS: [&str; 6] =
    ["nextpagetoken", "totalsize", "totalsizeisestimate", "included", "includedpagetokens", "unreachable"];

pub(super) fn check(declared: &DeclaredModel, diagnostics: &mut Diagnostics) {
    check_package(declared, diagnostics);
    check_message(declared, diagnostics);
    check_columns(declared, diagnostics);
}

fn check_package(declared: &DeclaredModel, diagnostics: &mut Diagnostics) {
    let package = declared.message.package_name();
    let file = declared.message.parent_file();
    let location = || match package {
        "" => declared.location(),
        _ => SourceLocation::at_path(&file, &[2]),
    };
    if package.is_empty() {
        let message = format!("{} does not have a package", declared.full_name());
        diagnostics.report(location(), code::PACKAGE_MISSING, message, "write `package <name>.v1;` after the syntax");
        return;
    }
    let schema = declared.table().schema;
    let first = package.split('.').next().unwrap_or_default();
    let others = ["google.api.", "google.protobuf.", "google.rpc.", "buf.", "grpc."]
        .iter()
        .any(|owner| format!("{package}.").starts_with(owner));
    let reserved = others
        || first.starts_with("groundplan")
        || schema.starts_with("pg_")
        || matches!(schema.as_str(), "information_schema" | "public");
    if reserved {
        let message = format!("the package {package:?}, with the PostgreSQL schema {schema:?}, is reserved");
        diagnostics.report(location(), code::PACKAGE_RESERVED, message, "choose another package");
    }
    check_length("the package", package, &schema, location, diagnostics);
}

fn check_message(declared: &DeclaredModel, diagnostics: &mut Diagnostics) {
    let name = declared.name();
    check_length("the message", name, &declared.table().name, || declared.location(), diagnostics);
    let bare = |name: &str| snake_case(name).replace('_', "");
    if REQUEST_FIELDS.contains(&bare(name).as_str()) || LIST_FIELDS.contains(&bare(&declared.plural).as_str()) {
        let message = format!("requests for {name} would have two fields with the same name");
        diagnostics.report(
            declared.location(),
            code::MODEL_NAME_RESERVED,
            message,
            "rename the message, or set `plural`",
        );
    }
}

fn check_columns(declared: &DeclaredModel, diagnostics: &mut Diagnostics) {
    for field in declared.message.fields() {
        if field_role(&field) == Some(Role::Etag) {
            // The etag has no column.
            continue;
        }
        let name = field.name();
        let location = || SourceLocation::of_field(&field);
        if name.starts_with('_') {
            let message = format!("the field {name:?} starts with `_`, which is reserved for Groundplan's columns");
            diagnostics.report(location(), code::NAME_RESERVED, message, "choose another name");
        }
        if SYSTEM_COLUMNS.contains(&name) {
            let message = format!("{name:?} is a system column of PostgreSQL tables");
            diagnostics.report(
                location(),
                code::NAME_RESERVED,
                message,
                "choose another name; `json_name` can preserve the name in JSON",
            );
        }
        check_length("the field", name, name, location, diagnostics);
    }
}

fn check_length(
    kind: &str,
    name: &str,
    identifier: &str,
    location: impl Fn() -> SourceLocation,
    diagnostics: &mut Diagnostics,
) {
    if identifier.len() > MAX_IDENTIFIER {
        let message =
            format!("the name of {kind} {name:?} has {} bytes; PostgreSQL supports {MAX_IDENTIFIER}", identifier.len());
        diagnostics.report(
            location(),
            code::NAME_TOO_LONG,
            message,
            format!("shorten it to at most {MAX_IDENTIFIER} bytes"),
        );
    }
}
