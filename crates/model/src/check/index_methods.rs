//! Checks that the method of an index fits its fields and options.

use crate::catalog::{IdFormat, IndexMethod};
use crate::code;
use crate::declared::{DeclaredIndex, DeclaredModel, declared_reference};
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::naming::nearest;
use crate::roles::{Role, field_role};
use prost_reflect::{FieldDescriptor, Kind};

/// The text search configurations that every PostgreSQL since version 14 has.
const LANGUAGES: [&str; 29] = [
    "simple",
    "arabic",
    "armenian",
    "basque",
    "catalan",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hindi",
    "hungarian",
    "indonesian",
    "irish",
    "italian",
    "lithuanian",
    "nepali",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "serbian",
    "spanish",
    "swedish",
    "tamil",
    "turkish",
    "yiddish",
];

pub(super) fn check(
    declared: &DeclaredModel,
    index: &DeclaredIndex,
    location: &SourceLocation,
    diagnostics: &mut Diagnostics,
) {
    let mut report = |code, message: String, help: &str| diagnostics.report(location.clone(), code, message, help);
    let names = index.fields.join(", ");
    let is_search = matches!(index.method, Some(IndexMethod::Search { .. }));
    if !index.language.is_empty() && !is_search {
        let message = format!("the index on {names} has a language, which only INDEX_METHOD_SEARCH supports");
        report(code::INDEX_METHOD_CONFLICT, message, "remove `language`, or write `method: INDEX_METHOD_SEARCH`");
    }
    if is_search && !index.language.is_empty() && !LANGUAGES.contains(&index.language.as_str()) {
        let message = format!("{:?} is not a built-in text search configuration of PostgreSQL", index.language);
        let near = nearest(&index.language, LANGUAGES.into_iter());
        let near = near.map_or_else(String::new, |near| format!("did you mean {near:?}? "));
        report(code::INDEX_LANGUAGE_UNKNOWN, message, &format!("{near}Supported are {}", LANGUAGES.join(", ")));
    }
    let method = match &index.method {
        None => {
            let message = format!("the index on {names} has the unknown method {}", index.method_number);
            let help = "use a value of groundplan.model.v1.IndexMethod";
            return report(code::INDEX_METHOD_UNKNOWN, message, help);
        }
        Some(IndexMethod::Ordered) => return,
        Some(method) => method,
    };
    let name = option_name(method);
    if index.unique {
        let message = format!("the index on {names} has {name}, so it cannot be unique");
        report(code::INDEX_METHOD_CONFLICT, message, "remove `unique` or the method");
    }
    if index.parts().any(|(_, descending)| descending) {
        let message = format!("the index on {names} has {name}, which does not support a direction");
        report(code::INDEX_METHOD_CONFLICT, message, "remove ` desc`");
    }
    check_fields(declared, index, method, location, diagnostics);
}

/// Checks that there is exactly one field, and that the method supports its type.
fn check_fields(
    declared: &DeclaredModel,
    index: &DeclaredIndex,
    method: &IndexMethod,
    location: &SourceLocation,
    diagnostics: &mut Diagnostics,
) {
    let mut report =
        |message: String, help: &str| diagnostics.report(location.clone(), code::INDEX_METHOD_FIELDS, message, help);
    let name = option_name(method);
    if index.fields.len() > 1 {
        let message = format!("the index on {} has {name}, which supports one field", index.fields.join(", "));
        return report(message, "create an index for each field");
    }
    // Unknown fields are reported elsewhere.
    let field = index.parts().next().and_then(|(name, _)| declared.message.get_field_by_name(name));
    let Some(field) = field else { return };
    match method {
        IndexMethod::Elements if !is_list_of_scalars(&field) => {
            let message = format!("{} is not a repeated scalar, which {name} requires", field.name());
            report(message, "use {name} for repeated fields of scalars or enums");
        }
        IndexMethod::Trigram | IndexMethod::Search { .. } if !is_text(declared, &field) => {
            let message = format!("{} is not an ordinary string, which {name} requires", field.name());
            report(message, "use {name} for single fields of type string, except ids, references and the etag");
        }
        _ => {}
    }
}

fn is_list_of_scalars(field: &FieldDescriptor) -> bool {
    field.is_list() && !matches!(field.kind(), Kind::Message(_))
}

/// Returns whether a field's column contains text that people write.
fn is_text(declared: &DeclaredModel, field: &FieldDescriptor) -> bool {
    let is_id = match field_role(field) {
        Some(Role::Id) => declared.id_format != Some(IdFormat::ClientAssigned),
        Some(_) => true,
        None => declared_reference(field).is_some(),
    };
    field.kind() == Kind::String && !field.is_list() && !is_id
}

fn option_name(method: &IndexMethod) -> &'static str {
    match method {
        IndexMethod::Ordered => "INDEX_METHOD_ORDERED",
        IndexMethod::Trigram => "INDEX_METHOD_TRIGRAM",
        IndexMethod::Search { .. } => "INDEX_METHOD_SEARCH",
        IndexMethod::Elements => "INDEX_METHOD_ELEMENTS",
        IndexMethod::Purge => "",
    }
}
