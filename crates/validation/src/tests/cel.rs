//! Tests of CEL rules.

use super::{Both, catalog, catalog_of, owned_facts, thing, validate_json};
use crate::compile;
use groundplan_budget::Budget;
use groundplan_codec::MAX_DEPTH;
use groundplan_expr::limits;

#[test]
fn rules_of_messages_report_their_message() {
    let fields = "option (buf.validate.message).cel = {id: \"order\" message: \"low must not be above high\" expression: \"this.low <= this.high\"};\
                  option (buf.validate.message).cel = {id: \"wordless\" expression: \"this.low != 9\"};\
                  option (buf.validate.message).cel_expression = \"this.low != 9\";\
                  int32 low = 2; int32 high = 3;";
    let both = Both::new(&catalog(&thing(fields)), "test.v1.Thing");
    let expected = [
        ("", "this.low != 9", "the rule `this.low != 9` is broken"),
        ("", "order", "low must not be above high"),
        ("", "wordless", "the rule `wordless` is broken"),
    ];
    assert_eq!(both.find_json(r#"{"low":9,"high":2}"#), owned_facts(&expected));
    assert_eq!(both.find_json(r#"{"low":1,"high":2}"#), []);
}

#[test]
fn each_message_reports_the_message_of_its_own_rule() {
    let fields = "message A { option (buf.validate.message).cel = {id: \"same\" message: \"of A\" expression: \"this.x > 0\"}; int32 x = 1; }\
                  message B { option (buf.validate.message).cel = {id: \"same\" message: \"of B\" expression: \"this.x > 0\"}; int32 x = 1; }\
                  A a = 2; repeated B b = 3; map<string, B> c = 4;";
    let expected = [("a", "same", "of A"), ("b[0]", "same", "of B"), ("c[\"k\"]", "same", "of B")];
    assert_eq!(validate_json(fields, r#"{"a":{},"b":[{}],"c":{"k":{}}}"#), owned_facts(&expected));
}

#[test]
fn fields_can_have_cel_rules() {
    let fields = "int32 a = 2 [(buf.validate.field).cel = {id: \"even\" message: \"value should be even\" expression: \"this % 2 == 0\"}];\
                  int32 b = 3 [(buf.validate.field).cel_expression = \"this % 2 == 0\"];\
                  string c = 4 [(buf.validate.field).cel = {id: \"said\" expression: \"this == '' ? '' : 'is not empty'\"}];";
    let expected = [
        ("a", "even", "value should be even"),
        ("b", "this % 2 == 0", "breaks the rule `this % 2 == 0`"),
        ("c", "said", "is not empty"),
    ];
    assert_eq!(validate_json(fields, r#"{"a":1,"b":1,"c":"x"}"#), owned_facts(&expected));
}

#[test]
fn predefined_rules_work() {
    // A proto3 file can only extend options.
    let rules = "syntax = \"proto2\"; package test.v1; import \"buf/validate/validate.proto\";\n\
                 extend buf.validate.Int32Rules { optional bool even = 50001 [(buf.validate.predefined).cel = {\
                 id: \"int32.even\" message: \"must be even\" expression: \"!rule || this % 2 == 0\"}]; }";
    let text = thing("int32 a = 2 [(buf.validate.field).int32.(test.v1.even) = true];")
        .replace("message Thing", "import \"test/v1/rules.proto\";\nmessage Thing");
    let files = [("test/v1/rules.proto", rules), ("test/v1/test.proto", &text)];
    let both = Both::new(&catalog_of(&files), "test.v1.Thing");
    assert_eq!(both.find_json(r#"{"a":1}"#), owned_facts(&[("a", "int32.even", "must be even")]));
    assert_eq!(both.find_json(r#"{"a":2}"#), []);
}

#[test]
fn a_rule_that_cannot_be_evaluated_is_a_violation() {
    let fields = "option (buf.validate.message).cel = {id: \"share\" expression: \"this.a / this.b > 1\"}; int32 a = 2; int32 b = 3;";
    let both = Both::new(&catalog(&thing(fields)), "test.v1.Thing");
    let violations = both.find_json(r#"{"a":1}"#);
    assert_eq!(violations.len(), 1);
    assert_eq!((violations[0].0.as_str(), violations[0].1.as_str()), ("", "cel.not_checked"));
    assert!(violations[0].2.contains("share") && violations[0].2.contains("a division by zero"), "{}", violations[0].2);
    assert_eq!(both.find_json(r#"{"a":4,"b":2}"#), []);
}

#[test]
fn violations_of_maps_are_in_the_order_of_keys() {
    let fields = "map<int32, string> a = 2 [(buf.validate.field).map.values.cel = {id: \"x\" message: \"is bad\" expression: \"this == ''\"}];";
    let both = Both::new(&catalog(&thing(fields)), "test.v1.Thing");
    let record = both.record(r#"{"a":{"3":"x","-1":"x","20":"x","4":"x","5":"x"}}"#);
    for _ in 0..20 {
        let fields: Vec<String> = both.find(&record).into_iter().map(|violation| violation.0).collect();
        assert_eq!(fields, ["a[-1]", "a[3]", "a[4]", "a[5]", "a[20]"]);
    }
}

/// Returns expressions of the maximum depth, in one or several ways, that are evaluated completely.
fn deepest() -> Vec<String> {
    let nested = |inner: &str, open: &str, close: &str| {
        let depth = limits::MAX_NESTING;
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let operators = limits::MAX_OPERATORS - 2;
    let conditions = "this < 0 ? true : ".repeat(limits::MAX_CONDITIONS);
    let left = operators - 2 * limits::MAX_NESTING - limits::MAX_CONDITIONS;
    let macros = |inner: &str| nested(inner, "[1].all(x, ", ")");
    vec![
        nested("this", "(", ")") + " >= 0",
        format!("{} == []", nested("", "[", "]")),
        format!("{} == {{}}", nested("", "{1: ", "}").replace("{1: }", "{}")),
        nested("this", "int(", ")") + " >= 0",
        format!("this{} >= 0", " + 1".repeat(operators)),
        format!("this{}", " == this".repeat(operators)),
        format!("1{}", " in [1]".repeat(operators / 2)),
        format!("[this]{} >= 0", "[0]".repeat(operators)),
        format!("this{} >= 0", ".a".repeat(operators)),
        format!("{conditions} this >= 0"),
        format!("{}true", "!".repeat(operators)),
        format!("this >= 0{}", " && this >= 0".repeat(operators / 2)),
        format!("true{}", " && true".repeat(operators)),
        format!("false{}", " || false".repeat(operators)),
        macros("true"),
        nested("true", "[1].map(x, x > 0, ", ")") + " == []",
        nested("true", "[1].exists_one(x, ", ")"),
        macros(&format!("{conditions} this{} >= 0", " + 1".repeat(left))),
        format!("{conditions}{}", macros(&format!("{}true", "!".repeat(left)))),
        nested(&format!("this{}", " + 1".repeat(left)), "false ? false : (", ")"),
    ]
}

/// Runs on a stack of the size of a tokio worker's.
fn on_worker<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let worker = std::thread::Builder::new().stack_size(2 << 20);
    std::thread::scope(|scope| worker.spawn_scoped(scope, work).unwrap().join().unwrap())
}

#[test]
fn the_deepest_expressions_fit_the_stack_of_a_worker() {
    for text in deepest() {
        assert_eq!(limits::limit_violation(&text), None, "{text}");
        let fields = format!("int32 a = 2 [(buf.validate.field).cel = {{id: \"deep\" expression: {text:?}}}];");
        let catalog = catalog(&thing(&fields));
        // The result does not matter, only that compiling and evaluating return.
        on_worker(|| {
            if let Ok(validators) = compile(&catalog) {
                let model = catalog.model("test.v1.Thing").unwrap();
                let decoded =
                    groundplan_codec::json::decode(&model.shapes, model.shape, br#"{"a":3}"#, &Budget::default())
                        .unwrap();
                assert!(validators.get(model).validate(&decoded.record, &Budget::default()).is_ok());
            }
        });
    }
}

#[test]
fn the_deepest_expressions_fit_below_deep_records() {
    for text in deepest() {
        let part = format!(
            "message Part {{ Part part = 1; int32 x = 2 [(buf.validate.field).cel = {{id: \"deep\" expression: {text:?}}}]; }}\nmessage Thing"
        );
        let catalog = catalog(&thing("Part part = 2;").replace("message Thing", &part));
        let depth = usize::try_from(MAX_DEPTH).unwrap() - 1;
        let json = format!("{}{}{}", r#"{"part":"#.repeat(depth), r#"{"x":1}"#, "}".repeat(depth));
        on_worker(|| {
            if let Ok(validators) = compile(&catalog) {
                let model = catalog.model("test.v1.Thing").unwrap();
                let decoded =
                    groundplan_codec::json::decode(&model.shapes, model.shape, json.as_bytes(), &Budget::default())
                        .unwrap();
                assert!(validators.get(model).validate(&decoded.record, &Budget::default()).is_ok());
            }
        });
    }
}

#[test]
fn deep_records_fit_the_stack_of_a_worker() {
    let text = thing("Part part = 2; google.protobuf.Struct json = 3;").replace(
        "message Thing",
        "message Part { option (buf.validate.message).cel = {id: \"p\" message: \"bad\" expression: \"this.x == 0\"}; Part part = 1; int32 x = 2; }\nmessage Thing",
    );
    let both = Both::new(&catalog(&text), "test.v1.Thing");
    let nested = |depth: usize, open: &str, inner: &str| format!("{}{inner}{}", open.repeat(depth), "}".repeat(depth));
    let parts = nested(usize::try_from(MAX_DEPTH).unwrap() - 1, r#"{"part":"#, r#"{"x":1}"#);
    let json = |depth| format!(r#"{{"json":{}}}"#, nested(depth, r#"{"a":"#, "{}"));
    let cases = [(parts, vec!["bad"]), (json(usize::try_from(MAX_DEPTH).unwrap() - 2), vec![])];
    for (text, expected) in cases {
        let record = both.record(&text);
        let violations = std::thread::scope(|scope| {
            let worker = std::thread::Builder::new().stack_size(2 << 20);
            worker.spawn_scoped(scope, || both.find(&record)).unwrap().join().unwrap()
        });
        assert_eq!(violations.len(), expected.len(), "{violations:?}");
        assert!(violations.iter().zip(expected).all(|(violation, text)| violation.2.contains(text)), "{violations:?}");
    }
}
