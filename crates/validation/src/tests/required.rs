//! Tests of `required` of protovalidate and of google.api.field_behavior.

use super::{Both, catalog, file, owned_facts, thing, validate_json};
use crate::compile;
use groundplan_budget::Budget;

const REQUIRED: &str = "(google.api.field_behavior) = REQUIRED";

#[test]
fn the_example_of_the_template_is_required() {
    let catalog = catalog(&thing("string field1 = 2 [(buf.validate.field).required = true]; int32 field2 = 3;"));
    let model = catalog.model("test.v1.Thing").unwrap();
    let validators = compile(&catalog).unwrap_or_else(|diagnostics| panic!("{}", super::display(&diagnostics)));
    let record = Both::new(&catalog, "test.v1.Thing").record(r#"{"field2":123}"#);
    let violations = validators.get(model).validate(&record, &Budget::default()).unwrap();
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].sentence(), "Field1 is required");
}

#[test]
fn field_behavior_requires_like_protovalidate() {
    let expected = owned_facts(&[("a", "required", "is required")]);
    for declaration in
        ["string a = 2", "optional int32 a = 2", "repeated string a = 2", "google.protobuf.Duration a = 2"]
    {
        let once = validate_json(&format!("{declaration} [{REQUIRED}];"), "{}");
        assert_eq!(once, expected, "{declaration}");
        let twice = validate_json(&format!("{declaration} [{REQUIRED}, (buf.validate.field).required = true];"), "{}");
        assert_eq!(twice, expected, "{declaration}");
    }
    assert_eq!(validate_json(&format!("optional int32 a = 2 [{REQUIRED}];"), r#"{"a":0}"#), []);
    assert_eq!(validate_json(&format!("int32 a = 2 [{REQUIRED}];"), r#"{"a":0}"#), expected);
}

#[test]
fn protovalidate_takes_precedence() {
    assert_eq!(validate_json(&format!("string a = 2 [{REQUIRED}, (buf.validate.field).required = false];"), "{}"), []);
    assert_eq!(
        validate_json(&format!("string a = 2 [{REQUIRED}, (buf.validate.field).ignore = IGNORE_ALWAYS];"), "{}"),
        []
    );
}

#[test]
fn a_missing_field_has_one_violation() {
    let fields = format!("string a = 2 [{REQUIRED}, (buf.validate.field).string.min_len = 2];");
    assert_eq!(validate_json(&fields, "{}"), owned_facts(&[("a", "required", "is required")]));
}

#[test]
fn the_id_is_not_required() {
    let text = file(&format!(
        "message Thing {{ option (groundplan.model.v1.model) = {{}}; string id = 1 [{REQUIRED}]; string a = 2 [{REQUIRED}]; }}"
    ));
    let both = Both::new(&catalog(&text), "test.v1.Thing");
    assert_eq!(both.find_json("{}"), owned_facts(&[("a", "required", "is required")]));
}

#[test]
fn violations_are_in_the_order_of_fields() {
    let fields = format!(
        "message Inner {{ string x = 1 [{REQUIRED}]; int32 y = 2 [(buf.validate.field).int32.gt = 0]; }}\
         option (buf.validate.message).cel = {{id: \"t\" message: \"nothing will do\" expression: \"false\"}};\
         int32 a = 2 [(buf.validate.field).int32.gt = 0]; string b = 3 [{REQUIRED}]; Inner c = 4;\
         int32 d = 5 [(buf.validate.field).int32.gt = 0];"
    );
    let both = Both::new(&catalog(&thing(&fields)), "test.v1.Thing");
    let expected = [
        ("", "t", "nothing will do"),
        ("a", "int32.gt", "must be greater than 0"),
        ("b", "required", "is required"),
        ("c.x", "required", "is required"),
        ("c.y", "int32.gt", "must be greater than 0"),
        ("d", "int32.gt", "must be greater than 0"),
    ];
    assert_eq!(both.find_json(r#"{"c":{}}"#), owned_facts(&expected));
}

#[test]
fn a_required_oneof_names_its_members() {
    let fields = "oneof pick { option (buf.validate.oneof).required = true; string word = 2; int32 number = 3; bool sure = 4; }\
                  oneof one { option (buf.validate.oneof).required = true; string only = 5; }";
    let expected =
        [("pick", "required", "is required: set word, number or sure"), ("one", "required", "is required: set only")];
    assert_eq!(validate_json(fields, "{}"), owned_facts(&expected));
    assert_eq!(validate_json(fields, r#"{"number":0,"only":""}"#), []);
}

#[test]
fn violations_distinguish_keys_and_values_of_maps() {
    let fields = "map<string, string> labels = 2 [(buf.validate.field).map = {keys: {string: {min_len: 2}} values: {string: {min_len: 2}}}];";
    let expected = [
        ("labels[\"a\"]", "map.keys.string.min_len", "(the key) length must be at least 2 characters"),
        ("labels[\"a\"]", "string.min_len", "length must be at least 2 characters"),
    ];
    assert_eq!(validate_json(fields, r#"{"labels":{"a":"b"}}"#), owned_facts(&expected));
}
