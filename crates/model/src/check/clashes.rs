//! Checks that names of paths, schemas, tables and derived definitions are unique.

use super::CheckedModels;
use crate::code;
use crate::declared::DeclaredModel;
use crate::derive::{Names, RelatedNames};
use crate::diagnostic::Diagnostics;
use crate::relations::Relations;
use prost_reflect::DescriptorPool;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const HELP_DERIVED: &str = "rename the conflicting definition, set `plural`, or choose another `inverse`";

pub(super) fn check(checked: &CheckedModels<'_>, diagnostics: &mut Diagnostics) {
    check_paths(checked, diagnostics);
    check_schemas(checked, diagnostics);
    check_tables(checked, diagnostics);
    check_derived(checked, diagnostics);
}

fn check_paths(checked: &CheckedModels<'_>, diagnostics: &mut Diagnostics) {
    let mut paths: HashMap<String, &DeclaredModel> = HashMap::new();
    for declared in checked.models {
        let path = format!("/api/{}/{}", declared.version(), declared.resource);
        if let Some(first) = paths.get(&path) {
            let message = format!("{} and {} would both have the path {path}", first.full_name(), declared.full_name());
            diagnostics.report(
                declared.option_location(),
                code::REST_PATH_CLASH,
                message,
                "set `resource` on one of them",
            );
        } else {
            paths.insert(path, declared);
        }
    }
}

fn check_schemas(checked: &CheckedModels<'_>, diagnostics: &mut Diagnostics) {
    let mut schemas: HashMap<String, &DeclaredModel> = HashMap::new();
    let mut reported = BTreeSet::new();
    for declared in checked.models {
        let package = declared.message.package_name();
        let first = *schemas.entry(declared.table().schema).or_insert(declared);
        if first.message.package_name() != package && reported.insert(package) {
            let message = format!(
                "the packages {:?} and {package:?} would both have the PostgreSQL schema {:?}",
                first.message.package_name(),
                declared.table().schema
            );
            let location = crate::diagnostic::SourceLocation::at_path(&declared.message.parent_file(), &[2]);
            diagnostics.report(location, code::SCHEMA_CLASH, message, "rename one of the packages");
        }
    }
}

fn check_tables(checked: &CheckedModels<'_>, diagnostics: &mut Diagnostics) {
    let mut tables: HashMap<_, &DeclaredModel> = HashMap::new();
    for declared in checked.models {
        let first = *tables.entry(declared.table()).or_insert(declared);
        if first.full_name() != declared.full_name() && first.message.package_name() == declared.message.package_name()
        {
            let message = format!(
                "{} and {} would both have the table {:?}",
                first.full_name(),
                declared.full_name(),
                declared.table().name
            );
            diagnostics.report(declared.location(), code::TABLE_CLASH, message, "rename one of the messages");
        }
    }
}

fn check_derived(checked: &CheckedModels<'_>, diagnostics: &mut Diagnostics) {
    let mut taken = defined(checked.pool);
    let mut own: BTreeMap<String, &str> = BTreeMap::new();
    let relations = Relations::from_models(checked.models);
    for declared in checked.models {
        let package = declared.message.package_name();
        let related = relations.targeting(declared.full_name()).iter().filter_map(RelatedNames::of_relation);
        let related = related.flat_map(|names| [names.request, names.response]);
        let names = Names::of_model(declared).into_vec().into_iter().chain([declared.service_name()]).chain(related);
        // Two models with one plural would clash many times; one report is enough.
        let mut reported_with = BTreeSet::new();
        for name in names.map(|name| format!("{package}.{name}")) {
            let other = match own.get(&name) {
                Some(other) if !reported_with.insert(*other) => continue,
                Some(other) => format!("{other} derives the same name"),
                None if taken.remove(&name) => "the name is already defined".to_owned(),
                None => {
                    own.insert(name, declared.full_name());
                    continue;
                }
            };
            let message = format!("{name} is derived for {}, and {other}", declared.full_name());
            diagnostics.report(declared.location(), code::DERIVED_NAME_CLASH, message, HELP_DERIVED);
        }
        let path = declared.service_file();
        if checked.files.contains_key(&path) {
            let message = format!(
                "{path:?} is derived for {}, but the upload contains a file with this path",
                declared.full_name()
            );
            let help = "remove the file if Groundplan generated it; otherwise, give it another path";
            diagnostics.report(declared.location(), code::DERIVED_FILE_CLASH, message, help);
        }
    }
}

/// Returns the full names of all top-level definitions.
fn defined(pool: &DescriptorPool) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in pool.files() {
        names.insert(file.package_name().to_owned());
        names.extend(file.messages().map(|message| message.full_name().to_owned()));
        names.extend(file.services().map(|service| service.full_name().to_owned()));
        names.extend(file.extensions().map(|extension| extension.full_name().to_owned()));
        for enumeration in file.enums() {
            names.insert(enumeration.full_name().to_owned());
            names.extend(enumeration.values().map(|value| value.full_name().to_owned()));
        }
    }
    names
}
