//! Tests of the diagnostics for invalid rules.

use super::{catalog, display, thing};
use crate::{RULE_INVALID, compile};
use groundplan_expr::limits;
use groundplan_model::Diagnostic;

fn diagnose(fields: &str) -> Vec<Diagnostic> {
    match compile(&catalog(&thing(fields))) {
        Ok(_) => Vec::new(),
        Err(diagnostics) => diagnostics,
    }
}

#[test]
fn invalid_rules_are_reported_with_their_location() {
    let cases = [
        ("string a = 2 [(buf.validate.field).int32.gt = 1];", "expected rule `string`, got `int32`"),
        ("string a = 2 [(buf.validate.field).string.pattern = \"(\"];", "invalid regex pattern"),
        ("string a = 2 [(buf.validate.field).cel_expression = \"this <\"];", "a value is missing"),
        (
            "string a = 2 [(buf.validate.field).cel_expression = \"thus == ''\"];",
            "there is nothing called `thus`: did you mean `this`?",
        ),
        (
            "string a = 2 [(buf.validate.field).cel_expression = \"this + 1 > 2\"];",
            "`+` is not for a string and an int",
        ),
        (
            "string a = 2 [(buf.validate.field).cel_expression = \"this\"]; int32 b = 3 [(buf.validate.field).cel_expression = \"this\"];",
            "a rule is a condition, or a text",
        ),
        ("repeated google.protobuf.Duration a = 2 [(buf.validate.field).repeated.unique = true];", "unique"),
        ("map<string, int32> a = 2 [(buf.validate.field).map.keys.int32.gt = 1];", "expected rule `string`"),
    ];
    for (fields, text) in cases {
        let diagnostics = diagnose(fields);
        assert_eq!(diagnostics.len(), 1, "{fields}: {}", display(&diagnostics));
        assert!(diagnostics[0].message.contains(text), "{}", diagnostics[0]);
        assert_eq!(diagnostics[0].code, RULE_INVALID);
        assert_eq!(diagnostics[0].file, "test/v1/test.proto");
        // The fields are on the fourth line of the message.
        let lines = thing(fields).lines().position(|line| line == fields).unwrap() + 1;
        assert_eq!(diagnostics[0].line as usize, lines, "{}", diagnostics[0]);
        assert!(diagnostics[0].column > 0);
    }
}

#[test]
fn invalid_rules_of_messages_are_reported_at_the_message() {
    let cases = [
        ("option (buf.validate.message).cel_expression = \"this.nope > 1\";", "has no field `nope`"),
        ("option (buf.validate.message).cel_expression = \"(\";", "a value is missing"),
        ("option (buf.validate.message).oneof = {fields: [\"nope\"]};", "field nope not found"),
    ];
    for (fields, text) in cases {
        let diagnostics = diagnose(fields);
        assert_eq!(diagnostics.len(), 1, "{fields}: {}", display(&diagnostics));
        assert!(diagnostics[0].message.contains(text), "{}", diagnostics[0]);
        assert_eq!(thing(fields).lines().nth(diagnostics[0].line as usize - 1), Some("message Thing {"));
    }
}

#[test]
fn all_invalid_rules_are_reported_together() {
    let fields = "message Inner { string x = 1 [(buf.validate.field).string.pattern = \"[\"]; }\n\
                  string a = 2 [(buf.validate.field).int32.gt = 1];\n\
                  string b = 3 [(buf.validate.field).string.pattern = \"(\"];\n\
                  repeated Inner c = 4;";
    let diagnostics = diagnose(fields);
    assert_eq!(diagnostics.len(), 3, "{}", display(&diagnostics));
    assert!(
        diagnostics.iter().any(|violation| violation.message.contains("test.v1.Thing.Inner.x")),
        "{}",
        display(&diagnostics)
    );
}

#[test]
fn rules_that_can_only_fail_for_values_are_accepted() {
    for fields in [
        "option (buf.validate.message).cel_expression = \"this.a / this.b > 1\"; int32 a = 2; int32 b = 3;",
        "option (buf.validate.message).cel_expression = \"this.a['k'] == 'v'\"; map<string, string> a = 2;",
        "option (buf.validate.message).cel_expression = \"this.a[0] == 1\"; repeated int32 a = 2;",
    ] {
        assert_eq!(diagnose(fields).len(), 0, "{}", display(&diagnose(fields)));
    }
}

#[test]
fn deep_and_long_expressions_are_rejected_before_parsing() {
    let deep = |open: &str, close: &str| format!("{}true{}", open.repeat(2_000), close.repeat(2_000));
    for text in [
        deep("(", ")"),
        deep("[", "]"),
        "!".repeat(4_000) + "true",
        "1 in ".repeat(500),
        "a".repeat(5_000),
        deep("(')' == '' || ", ")"),
    ] {
        let diagnostics = diagnose(&format!("int32 a = 2 [(buf.validate.field).cel_expression = {text:?}];"));
        assert_eq!(diagnostics.len(), 1);
        assert!(diagnostics[0].message.contains("allowed"), "{}", diagnostics[0]);
    }
}

#[test]
fn brackets_in_strings_do_not_count() {
    for text in [
        format!("this != \"{}\"", "(".repeat(100)),
        format!("this != '''{} '''", "('".repeat(100)),
        format!("this != '\\'{}'", "(".repeat(100)),
    ] {
        assert_eq!(limits::limit_violation(&text), None, "{text}");
    }
    assert!(limits::limit_violation(&format!("this != '\\\\'{}", "(".repeat(100))).is_some());
}

#[test]
fn the_limits_agree_with_the_parser_about_strings() {
    let brackets = "(".repeat(100);
    // In each, the parser sees the brackets outside strings.
    for text in [
        format!(r"r'\' + {brackets} + '"),
        format!(r"R'\' + {brackets} + '"),
        format!(r#"br"\" + {brackets} + ""#),
        format!(r#"Br"""\""" + {brackets} + """"#),
        format!(r"1ur'\' + {brackets} + '"),
        format!(r"1e5r'\' + {brackets} + '"),
        format!(r"0xFr'\' + {brackets} + '"),
        format!("'\n{brackets}'"),
        format!(r"'\q{brackets}'"),
        format!("'\"\"\"\n{brackets}\"\"\""),
        format!("='{brackets}'"),
        format!("&'{brackets}'"),
        format!("`a'{brackets}'"),
        format!("#'{brackets}"),
        format!("this != '{brackets}"),
        format!("r'''a''' + {brackets}"),
    ] {
        assert!(limits::limit_violation(&text).is_some(), "{text}");
    }
    // Here the parser sees them inside strings.
    for text in [
        format!(r"r'\{brackets}' == br'\{brackets}'"),
        format!(r#"r"""\"{brackets}""" == '''\'''{brackets}'''"#),
        format!(r"'\x28\u0028\U00000028\050\n{brackets}' == b'{brackets}' // {brackets}"),
        format!(
            r"this.matches(r'^\d{{1,3}}(\.\d+)?{brackets}$') && a.`b-c/d` > .5e-3 || 0x1Fu >= 1e5 - 7u % 2 ? '' : ''''''"
        ),
    ] {
        assert_eq!(limits::limit_violation(&text), None, "{text}");
    }
}

#[test]
fn each_index_is_a_level() {
    assert!(limits::limit_violation(&format!("this{} == 1", "[0]".repeat(1_000))).is_some());
}

#[test]
fn the_code_is_explained() {
    let text = include_str!("../../../../docs/diagnostics.md");
    let explained: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("### RULE_")).collect();
    assert_eq!(explained, [RULE_INVALID.trim_start_matches("RULE_")]);
}
