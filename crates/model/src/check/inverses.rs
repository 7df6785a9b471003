//! Checks that each inverse relation has a valid and unique name on its model.

use crate::code;
use crate::declared::DeclaredModel;
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::naming::{is_lower_snake, json_name};
use crate::relations::{Relations, relation_name};
use std::collections::BTreeMap;

pub(super) fn check(models: &[DeclaredModel], diagnostics: &mut Diagnostics) {
    for reference in models.iter().flat_map(|model| &model.references) {
        let Some(inverse) = reference.inverse.as_deref() else { continue };
        if !is_lower_snake(inverse) {
            let message = format!("{inverse:?} is not a valid name of an inverse relation");
            let help =
                "set `inverse` to at most 63 lower-case letters, digits and single `_` between them, such as `books`";
            diagnostics.report(SourceLocation::of_field(&reference.field), code::INVERSE_INVALID, message, help);
        } else if reference.visible_inverse().is_none() {
            let name = reference.field.name();
            let message = format!("{name} is INPUT_ONLY, but the inverse relation {inverse:?} would expose its value");
            let help = "remove `inverse` or INPUT_ONLY";
            diagnostics.report(SourceLocation::of_field(&reference.field), code::INVERSE_INPUT_ONLY, message, help);
        }
    }
    let relations = Relations::from_models(models);
    for model in models {
        check_model(model, &relations, diagnostics);
    }
}

/// Checks that the names of relations and fields of one model are unique.
fn check_model(model: &DeclaredModel, relations: &Relations<'_>, diagnostics: &mut Diagnostics) {
    // By JSON name: requests can use either name.
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for field in model.message.fields() {
        for name in [json_name(field.name()), field.json_name().to_owned()] {
            taken.insert(name, format!("its field {}", field.name()));
        }
    }
    for reference in &model.references {
        let name = relation_name(&model.message, &reference.field);
        taken.entry(json_name(&name)).or_insert_with(|| format!("its relation of {}", reference.field.name()));
    }
    for relation in relations.targeting(model.full_name()) {
        let Some(inverse) = relation.inverse() else { continue };
        let field = &relation.reference.field;
        if let Some(other) = taken.get(&json_name(inverse)) {
            let message = format!(
                "{} would have the inverse relation {inverse:?}, which is the name of {other}",
                model.full_name()
            );
            diagnostics.report(
                SourceLocation::of_field(field),
                code::INVERSE_CLASH,
                message,
                "choose another `inverse`",
            );
        } else {
            let owner = format!("the inverse relation of {}", field.full_name());
            taken.insert(json_name(inverse), owner);
        }
    }
}
