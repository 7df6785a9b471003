//! A table of rules, values and their violations.

use super::{Both, catalog, owned_facts, thing, validate_json};
use groundplan_budget::Budget;

/// A field's declaration (number 2), and pairs of JSON and its violations.
type Case = (&'static str, &'static [(&'static str, &'static [(&'static str, &'static str, &'static str)])]);

const CASES: &[Case] = &[
    (
        "string a = 2 [(buf.validate.field).string.min_len = 3];",
        &[
            (r#"{"a":"ab"}"#, &[("a", "string.min_len", "length must be at least 3 characters")]),
            // Without presence, an absent field is the empty string.
            ("{}", &[("a", "string.min_len", "length must be at least 3 characters")]),
            (r#"{"a":"äöü"}"#, &[]),
        ],
    ),
    (
        "optional string a = 2 [(buf.validate.field).string.min_len = 3];",
        &[("{}", &[]), (r#"{"a":""}"#, &[("a", "string.min_len", "length must be at least 3 characters")])],
    ),
    (
        "string a = 2 [(buf.validate.field) = {ignore: IGNORE_IF_ZERO_VALUE string: {max_bytes: 3 prefix: \"ä\"}}];",
        &[
            ("{}", &[]),
            (
                r#"{"a":"öö"}"#,
                &[
                    ("a", "string.max_bytes", "must be at most 3 bytes"),
                    ("a", "string.prefix", "does not have prefix `ä`"),
                ],
            ),
        ],
    ),
    ("string a = 2 [(buf.validate.field) = {ignore: IGNORE_ALWAYS required: true string: {len: 3}}];", &[("{}", &[])]),
    (
        "string a = 2 [(buf.validate.field).string.pattern = \"^[a-z]+$\"];",
        &[
            (r#"{"a":"A"}"#, &[("a", "string.pattern", "does not match regex pattern `^[a-z]+$`")]),
            (r#"{"a":"a\n"}"#, &[("a", "string.pattern", "does not match regex pattern `^[a-z]+$`")]),
        ],
    ),
    (
        "string a = 2 [(buf.validate.field).string = {in: [\"b\", \"a\", \"b\"] not_contains: \"b\"}];",
        &[
            (r#"{"a":"b"}"#, &[("a", "string.not_contains", "contains substring `b`")]),
            (r#"{"a":"c"}"#, &[("a", "string.in", r#"must be in list ["a", "b"]"#)]),
        ],
    ),
    (
        "string a = 2 [(buf.validate.field).string.email = true];",
        &[
            ("{}", &[("a", "string.email_empty", "is empty, which is not a valid email address")]),
            (r#"{"a":"x"}"#, &[("a", "string.email", "must be a valid email address")]),
            (r#"{"a":"x@example.com"}"#, &[]),
        ],
    ),
    (
        "string a = 2 [(buf.validate.field).string.uuid = true];",
        &[(r#"{"a":"0123"}"#, &[("a", "string.uuid", "must be a valid UUID")])],
    ),
    (
        "string a = 2 [(buf.validate.field).string.uri_ref = true];",
        &[("{}", &[("a", "string.uri_ref_empty", "is empty, but must be a valid URI Reference")])],
    ),
    (
        "int32 a = 2 [(buf.validate.field).int32.gt = 0];",
        &[("{}", &[("a", "int32.gt", "must be greater than 0")]), (r#"{"a":1}"#, &[])],
    ),
    (
        "int32 a = 2 [(buf.validate.field).int32 = {gt: 10 lt: 5}];",
        &[
            (r#"{"a":7}"#, &[("a", "int32.gt_lt_exclusive", "must be greater than 10 or less than 5")]),
            (r#"{"a":11}"#, &[]),
            (r#"{"a":4}"#, &[]),
        ],
    ),
    (
        "uint64 a = 2 [(buf.validate.field).uint64.lte = 18446744073709551614];",
        &[(
            r#"{"a":"18446744073709551615"}"#,
            &[("a", "uint64.lte", "must be less than or equal to 18446744073709551614")],
        )],
    ),
    (
        "float a = 2 [(buf.validate.field).float = {gte: 0.1 finite: true}];",
        &[
            (r#"{"a":0.05}"#, &[("a", "float.gte", "must be greater than or equal to 0.1")]),
            (r#"{"a":0.1}"#, &[]),
            (r#"{"a":"NaN"}"#, &[("a", "float.finite", "must be finite")]),
        ],
    ),
    (
        "double a = 2 [(buf.validate.field).double = {gte: 1 in: [2, 3]}];",
        &[
            (r#"{"a":"NaN"}"#, &[("a", "double.gte", "must be a number")]),
            (
                r#"{"a":0}"#,
                &[("a", "double.gte", "must be greater than or equal to 1"), ("a", "double.in", "must be in list")],
            ),
        ],
    ),
    ("bool a = 2 [(buf.validate.field).bool.const = true];", &[("{}", &[("a", "bool.const", "must equal true")])]),
    (
        "bytes a = 2 [(buf.validate.field).bytes = {len: 2 contains: \"a\"}];",
        &[
            (r#"{"a":"YmI="}"#, &[("a", "bytes.contains", "does not contain [97]")]),
            (r#"{"a":"YQ=="}"#, &[("a", "bytes.len", "length must be 2 bytes")]),
        ],
    ),
    (
        "enum E {E_UNSPECIFIED = 0; E_ONE = 1;} E a = 2 [(buf.validate.field).enum = {defined_only: true not_in: [0]}];",
        &[
            ("{}", &[("a", "enum.not_in", "must not be in list [0]")]),
            (r#"{"a":7}"#, &[("a", "enum.defined_only", "must be one of the defined enum values")]),
            (r#"{"a":"E_ONE"}"#, &[]),
        ],
    ),
    (
        "repeated string a = 2 [(buf.validate.field).repeated = {min_items: 1 unique: true items: {string: {max_len: 1}}}];",
        &[
            ("{}", &[("a", "repeated.min_items", "must have at least 1 items")]),
            (
                r#"{"a":["x","yy","x"]}"#,
                &[
                    ("a", "repeated.unique", "items must be unique"),
                    ("a[1]", "string.max_len", "length must be at most 1 characters"),
                ],
            ),
        ],
    ),
    (
        "map<string, int32> a = 2 [(buf.validate.field).map = {max_pairs: 1 keys: {string: {min_len: 2}} values: {int32: {lt: 5}}}];",
        &[
            ("{}", &[]),
            (
                r#"{"a":{"xy":1,"x":9}}"#,
                &[
                    ("a", "map.max_pairs", "must have at most 1 entries"),
                    ("a[\"x\"]", "map.keys.string.min_len", "(the key) length must be at least 2 characters"),
                    ("a[\"x\"]", "int32.lt", "must be less than 5"),
                ],
            ),
        ],
    ),
    (
        "google.protobuf.Timestamp a = 2 [(buf.validate.field).timestamp.lt_now = true];",
        &[("{}", &[]), (r#"{"a":"9999-01-01T00:00:00Z"}"#, &[("a", "timestamp.lt_now", "must be less than now")])],
    ),
    (
        "google.protobuf.Duration a = 2 [(buf.validate.field).duration = {gte: {seconds: 1} lt: {seconds: 60}}];",
        &[
            (r#"{"a":"0.5s"}"#, &[("a", "duration.gte_lt", "must be greater than or equal to 1s and less than 60s")]),
            (r#"{"a":"-0.5s"}"#, &[("a", "duration.gte_lt", "must be greater than or equal to 1s and less than 60s")]),
        ],
    ),
    (
        "google.protobuf.StringValue a = 2 [(buf.validate.field).string.min_len = 1];",
        &[("{}", &[]), (r#"{"a":""}"#, &[("a", "string.min_len", "length must be at least 1 characters")])],
    ),
    (
        "google.protobuf.FieldMask a = 2 [(buf.validate.field).field_mask.in = \"b\"];",
        &[(r#"{"a":"b.c,d"}"#, &[("a", "field_mask.in", "must only contain allowed paths")]), (r#"{"a":"b.c"}"#, &[])],
    ),
    (
        "message Inner { string zip = 1 [(buf.validate.field).required = true]; repeated Inner more = 2; } repeated Inner a = 2;",
        &[(
            r#"{"a":[{"zip":"1"},{"more":[{"zip":"1"},{}]}]}"#,
            &[("a[1].zip", "required", "is required"), ("a[1].more[1].zip", "required", "is required")],
        )],
    ),
    (
        "oneof a { option (buf.validate.oneof).required = true; string b = 2; int32 c = 3 [(buf.validate.field).int32.gt = 3]; }",
        &[
            ("{}", &[("a", "required", "is required: set b or c")]),
            (r#"{"b":""}"#, &[]),
            (r#"{"c":0}"#, &[("c", "int32.gt", "must be greater than 3")]),
        ],
    ),
    (
        "option (buf.validate.message).oneof = {fields: [\"a\", \"b\"] required: true}; string a = 2; string b = 3 [(buf.validate.field).string.min_len = 2];",
        &[
            ("{}", &[("", "message.oneof", "one of a, b must be set")]),
            (r#"{"a":"x"}"#, &[]),
            (
                r#"{"a":"x","b":"y"}"#,
                &[
                    ("", "message.oneof", "only one of a, b can be set"),
                    ("b", "string.min_len", "length must be at least 2 characters"),
                ],
            ),
        ],
    ),
];

#[test]
fn rules_find_the_listed_violations() {
    for (fields, values) in CASES {
        let both = Both::new(&catalog(&thing(fields)), "test.v1.Thing");
        for (json, expected) in *values {
            assert_eq!(both.find_json(json), owned_facts(expected), "{fields} {json}");
        }
    }
}

#[test]
fn bytes_that_are_not_utf8_match_no_pattern() {
    let both =
        Both::new(&catalog(&thing("bytes a = 2 [(buf.validate.field).bytes.pattern = \".\"];")), "test.v1.Thing");
    let record = both.record(r#"{"a":"//8="}"#);
    let expected = [("a", "bytes.pattern", "must match regex pattern `.`")];
    assert_eq!(super::facts(both.validator.find(&record, &Budget::default()).unwrap()), owned_facts(&expected));
}

#[test]
fn paths_show_keys_as_json() {
    let violations = validate_json(
        "map<string, string> a = 2 [(buf.validate.field).map.values.string.len = 1];",
        r#"{"a":{"q\"\n":""}}"#,
    );
    assert_eq!(violations[0].0, r#"a["q\"\n"]"#);
}
