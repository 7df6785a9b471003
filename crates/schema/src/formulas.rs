//! Checks the formulas of models.

use groundplan_expr::{FormulaKind, Formulas, Scope};
use groundplan_model::{Catalog, Diagnostic, code};

/// Checks all formulas of all models. Diagnostics have the location of the option; their messages contain the position
/// in the expression.
pub(crate) fn check(catalog: &Catalog) -> Vec<Diagnostic> {
    let of_model = |model| Formulas::compile(Scope { catalog, model }).err().unwrap_or_default();
    let all = catalog.models.iter().flat_map(|model| of_model(model).into_iter().map(move |refused| (model, refused)));
    all.map(|(model, refused)| {
        let name = &model.shape().field(refused.formula.field).name;
        let message = format!("{}.{name}: {}", model.full_name, refused.error);
        let option = match refused.kind {
            FormulaKind::Default => "default",
            FormulaKind::Computed => "computed",
        };
        let help = format!("correct `{option}` of (groundplan.model.v1.field)");
        catalog.formula_diagnostic(model, &refused.formula, code::FORMULA_INVALID, message, help)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundplan_model::{Input, SourceFile, StorageNames, compile};

    /// Returns the diagnostics of a model with these fields, the first of which is on line 4.
    fn said(fields: &str) -> Vec<String> {
        let content = format!(
            "syntax = \"proto3\"; package a.v1; import \"groundplan/model/v1/model.proto\";\n\
             message A {{\n  option (groundplan.model.v1.model) = {{}};\n{fields}\n}}"
        );
        let file = SourceFile { path: "a.proto".into(), content };
        let catalog = compile(Input::Files(vec![file]), &StorageNames::default()).unwrap().catalog;
        check(&catalog).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn valid_formulas_have_no_diagnostics() {
        let right = "string id = 1;\nint32 b = 2 [(groundplan.model.v1.field).default = '3'];\n\
                     int32 c = 3 [(groundplan.model.v1.field) = {computed: 'b * 2'}];";
        assert_eq!(said(right), Vec::<String>::new());
    }

    #[test]
    fn all_invalid_formulas_are_reported_at_their_options() {
        let wrong = "string id = 1;\n\
                     int32 b = 2 [(groundplan.model.v1.field).default = 'c +'];\n\
                     int32 c = 3 [(groundplan.model.v1.field) = {computed: 'b + \"x\"'}];";
        assert_eq!(
            said(wrong),
            [
                "a.proto:5:14: FORMULA_INVALID: a.v1.A.b: the expression ends after `+`: a value is missing (at 1:4) \
                 (correct `default` of (groundplan.model.v1.field))",
                "a.proto:6:14: FORMULA_INVALID: a.v1.A.c: `b` is an int, `\"x\"` a string, and `+` does not accept both: it takes \
                 two numbers of one type, two strings to join, or a time and a duration (at 1:1) \
                 (correct `computed` of (groundplan.model.v1.field))",
            ]
        );
    }
}
