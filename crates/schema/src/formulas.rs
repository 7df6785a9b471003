//! Checks the formulas of models.

use groundplan_expr::{FormulaKind, Formulas, Scope};
use groundplan_model::{Catalog, Diagnostic, code};

/// Checks all formulas of all models. Diagnostics have the location of the option; their messages contain the position
/// in the expression.
pub(crate) fn check(catalog: &Catalog) -> Vec<Diagnostic> {
    let compile = |model| Formulas::compile(Scope { catalog, model }).err().unwrap_or_default();
    let all = catalog.models.iter().flat_map(|model| compile(model).into_iter().map(move |invalid| (model, invalid)));
    all.map(|(model, invalid)| {
        let name = &model.shape().field(invalid.formula.field).name;
        let message = format!("{}.{name}: {}", model.full_name, invalid.error);
        let option = match invalid.kind {
            FormulaKind::Default => "default",
            FormulaKind::Computed => "computed",
        };
        let help = format!("correct `{option}` of (groundplan.model.v1.field)");
        catalog.formula_diagnostic(model, &invalid.formula, code::FORMULA_INVALID, message, help)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundplan_model::{Input, SourceFile, StorageNames, compile};

    /// Returns the diagnostics of a model with these fields, the first of which is on line 4.
    fn diagnostics_of(fields: &str) -> Vec<String> {
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
        assert_eq!(diagnostics_of(right), Vec::<String>::new());
    }

    #[test]
    fn all_invalid_formulas_are_reported_at_their_options() {
        let wrong = "string id = 1;\n\
                     int32 b = 2 [(groundplan.model.v1.field).default = 'c +'];\n\
                     int32 c = 3 [(groundplan.model.v1.field) = {computed: 'b + \"x\"'}];";
        assert_eq!(
            diagnostics_of(wrong),
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
