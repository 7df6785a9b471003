//! Warnings of stricter rules.

use crate::support::catalog;
use groundplan_model::plan;

/// Returns the warnings of replacing text of a model.
fn warnings(before: &str, after: &str) -> Vec<String> {
    let model = |fields: &str| {
        catalog(&format!("message M {{ option (groundplan.model.v1.model) = {{}}; string id = 1;\n{fields}\n}}"))
    };
    let plan = plan(Some(&model(before)), &model(after)).unwrap();
    assert!(plan.warnings.iter().all(|warning| warning.code == "STRICTER_RULE" && !warning.help.is_empty()));
    plan.warnings.iter().map(|warning| format!("{} {}", warning.line, warning.message)).collect()
}

#[test]
fn stricter_rules_cause_warnings() {
    const REST: &str = "existing records of a.v1.M are not checked, so an update of one that violates it can fail";
    for (before, after, rules) in [
        ("", "[(google.api.field_behavior) = REQUIRED]", "REQUIRED"),
        ("", "[(buf.validate.field).required = true]", "required"),
        ("", "[(buf.validate.field).string.max_len = 9]", "string.max_len"),
        (
            "[(buf.validate.field).string = { min_len: 1 max_len: 9 }]",
            "[(buf.validate.field).string = { min_len: 2 max_len: 8 }]",
            "string.max_len, string.min_len",
        ),
        (
            "[(buf.validate.field).string = { in: ['a', 'b'] }]",
            "[(buf.validate.field).string = { in: ['a'] }]",
            "string.in",
        ),
        ("", "[(buf.validate.field).cel = { id: 'c' message: 'm' expression: 'this != \"\"' }]", "cel"),
        (
            "[(buf.validate.field).string.pattern = '^a']",
            "[(buf.validate.field).string.pattern = '^b']",
            "string.pattern",
        ),
    ] {
        let warnings = warnings(&format!("string s = 2 {before};"), &format!("string s = 2 {after};"));
        assert_eq!(warnings, [format!("3 a.v1.M.s has a new or stricter rule ({rules}); {REST}")], "{after}");
    }
    let new = warnings("", "string s = 2 [(google.api.field_behavior) = REQUIRED];");
    assert_eq!(new, [format!("3 a.v1.M.s has a new or stricter rule (REQUIRED); {REST}")]);
    let inner = |rule: &str| format!("N n = 2; message N {{\nstring s = 1 {rule}; }}");
    let inner = warnings(&inner(""), &inner("[(buf.validate.field).string.max_len = 9]"));
    assert_eq!(inner, [format!("4 a.v1.M.N.s has a new or stricter rule (string.max_len); {REST}")]);
    let oneof = |rule: &str| format!("oneof o {{ {rule} string s = 2; }}");
    let oneof = warnings(&oneof(""), &oneof("option (buf.validate.oneof).required = true;"));
    assert_eq!(oneof, [format!("3 a.v1.M.o has a new or stricter rule (required); {REST}")]);
    let model =
        warnings("", "option (buf.validate.message).cel = { id: 'c' message: 'm' expression: 'this.id != \"x\"' };");
    assert_eq!(model, [format!("2 a.v1.M has a new or stricter rule (cel); {REST}")]);
}

#[test]
fn wider_rules_cause_no_warnings() {
    for (before, after) in [
        ("[(google.api.field_behavior) = REQUIRED]", ""),
        ("[(buf.validate.field).required = true]", "[(buf.validate.field).required = false]"),
        (
            "[(buf.validate.field).string = { min_len: 2 max_len: 8 }]",
            "[(buf.validate.field).string = { min_len: 1 max_len: 9 }]",
        ),
        ("[(buf.validate.field).string = { in: ['a'] }]", "[(buf.validate.field).string = { in: ['a', 'b'] }]"),
        (
            "[(buf.validate.field).string.max_len = 9]",
            "[(buf.validate.field) = { ignore: IGNORE_IF_ZERO_VALUE string: { max_len: 9 } }]",
        ),
        ("", "[deprecated = true]"),
        (
            "[(buf.validate.field).cel = { id: 'c' message: 'm' expression: 'this != \"\"' }]",
            "[(buf.validate.field).cel = { id: 'c' message: 'm' expression: 'this != \"\"' }, deprecated = true]",
        ),
        (
            "[(buf.validate.field).string.not_in = 'a', (buf.validate.field).cel_expression = 'this != \"\"', (buf.validate.field).cel_expression = 'this != \"b\"']",
            "[(buf.validate.field).string.not_in = 'a', (buf.validate.field).cel_expression = 'this != \"b\"']",
        ),
    ] {
        let none: [String; 0] = [];
        assert_eq!(warnings(&format!("string s = 2 {before};"), &format!("string s = 2 {after};")), none, "{after}");
    }
    let of_model = "option (buf.validate.message).cel = { id: 'c' message: 'm' expression: 'this.id != \"x\"' };";
    let none: [String; 0] = [];
    assert_eq!(warnings(of_model, &format!("{of_model} string s = 2;")), none);
}
