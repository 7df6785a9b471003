//! Tests of each rule of proto3 JSON.

mod encode;

use super::{everything, id, shape, shapes, text};
use crate::{DecodeError, Record, Value, json};
use groundplan_budget::Budget;
use serde_json::json;

fn decode(text: &str) -> Result<Record, DecodeError> {
    json::decode(shapes(), everything(), text.as_bytes(), &Budget::default()).map(|decoded| decoded.record)
}

fn get(text: &str, name: &str) -> Option<Value> {
    decode(text).unwrap().get(id(name)).cloned()
}

fn rule(text: &str) -> &'static str {
    decode(text).unwrap_err().rule
}

fn encode(record: &Record) -> serde_json::Value {
    serde_json::from_slice(&encode_text(record)).unwrap()
}

fn encode_text(record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    json::encode(shapes(), everything(), record, &mut out);
    out
}

fn with(name: &str, value: Value) -> Record {
    let mut record = Record::new(shape());
    record.set_in(shape(), id(name), Some(value));
    record
}

/// Returns the JSON of one field's value.
fn written(name: &str, value: Value) -> String {
    let text = String::from_utf8(encode_text(&with(name, value))).unwrap();
    let key = format!("\"{}\":", super::field(name).json_name);
    let (_, rest) = text.split_once(&key).unwrap();
    rest.to_owned()
}

#[test]
fn both_names_are_read_but_each_field_only_once() {
    assert_eq!(get(r#"{"anInt32": 1}"#, "an_int32"), Some(Value::Int(1)));
    assert_eq!(get(r#"{"an_int32": 1}"#, "an_int32"), Some(Value::Int(1)));
    assert_eq!(get(r#"{"otherName": "x"}"#, "renamed"), Some(text("x")));
    assert_eq!(rule(r#"{"anInt32": 1, "an_int32": 1}"#), "duplicate_key");
    assert_eq!(rule(r#"{"id": "a", "id": "a"}"#), "duplicate_key");
    assert_eq!(rule(r#"{"far": null, "far": null}"#), "duplicate_key");
    assert_eq!(rule(r#"{"nested": {"title": "a", "title": "a"}}"#), "duplicate_key");
    assert_eq!(rule(r#"{"struct": {"a": 1, "\u0061": 2}}"#), "duplicate_key");
    assert_eq!(rule(r#"{"labels": {"a": "1", "b": "2", "a": "3"}}"#), "duplicate_key");
    assert_eq!(rule(r#"{"byInt32": {"1": 1, "2": 2, "1.0": 3}}"#), "duplicate_key");
}

#[test]
fn unknown_names_are_rejected_with_a_suggestion() {
    let error = decode(r#"{"nested": {"titel": "x"}}"#).unwrap_err();
    assert_eq!((error.field.as_str(), error.rule), ("nested.titel", "unknown_field"));
    assert_eq!(error.message, "is not a field of every.v1.Nested; did you mean title?");
    assert_eq!(rule(r#"{"": 1}"#), "unknown_field");
    let long = decode(&format!("{{\"{}\": 1}}", "x".repeat(1_000_000))).unwrap_err();
    assert!(long.to_string().len() < 300);
}

#[test]
fn decoding_returns_the_present_keys() {
    let decoded =
        json::decode(shapes(), everything(), br#"{"aString": null, "id": "", "an_int32": 0}"#, &Budget::default())
            .unwrap();
    assert_eq!(decoded.present, [id("a_string"), id("id"), id("an_int32")]);
    assert!(decoded.record.is_empty());
}

#[test]
fn integers_are_read_in_every_whole_form() {
    for form in ["5", "\"5\"", "5.0", "5e0", "0.5e1", "\"5.00\"", "50E-1"] {
        assert_eq!(get(&format!("{{\"anInt64\": {form}}}"), "an_int64"), Some(Value::Int(5)), "{form}");
    }
    assert_eq!(get(r#"{"aUint64": "18446744073709551615"}"#, "a_uint64"), Some(Value::Uint(u64::MAX)));
    assert_eq!(get(r#"{"aUint64": 18446744073709551615}"#, "a_uint64"), Some(Value::Uint(u64::MAX)));
    assert_eq!(get(r#"{"anInt64": -9223372036854775808}"#, "an_int64"), Some(Value::Int(i64::MIN)));
    for (name, number) in [
        ("anInt32", "2147483648"),
        ("anInt32", "1.5"),
        ("anInt32", "\"1.5\""),
        ("aUint32", "-1"),
        ("aUint32", "4294967296"),
        ("anInt64", "9223372036854775808"),
        ("aUint64", "18446744073709551616"),
        ("anInt64", "1e400"),
    ] {
        let error = decode(&format!("{{\"{name}\": {number}}}")).unwrap_err();
        assert_eq!(error.rule, "range", "{name} {number}");
    }
    for form in ["true", "\"\"", "\" 5\"", "\"05\"", "\"+5\"", "\"NaN\"", "[]", "\"0x5\""] {
        assert_eq!(rule(&format!("{{\"anInt32\": {form}}}")), "json_type", "{form}");
    }
}

#[test]
fn doubles_are_read_with_their_special_names() {
    assert_eq!(get(r#"{"aDouble": "NaN"}"#, "a_double"), Some(Value::Double(f64::NAN)));
    assert_eq!(get(r#"{"aDouble": "-Infinity"}"#, "a_double"), Some(Value::Double(f64::NEG_INFINITY)));
    assert_eq!(get(r#"{"aFloat": "Infinity"}"#, "a_float"), Some(Value::Double(f64::INFINITY)));
    assert_eq!(get(r#"{"aDouble": "1.5"}"#, "a_double"), Some(Value::Double(1.5)));
    assert_eq!(get(r#"{"aDouble": -0.0}"#, "a_double"), Some(Value::Double(-0.0)));
    assert_eq!(get(r#"{"aDouble": 0.0}"#, "a_double"), None);
    assert_eq!(get(r#"{"aFloat": 0.1}"#, "a_float"), Some(Value::Double(0.1_f32.into())));
    assert_eq!(rule(r#"{"aDouble": 1e400}"#), "range");
    assert_eq!(rule(r#"{"aFloat": 1e39}"#), "range");
    assert_eq!(rule(r#"{"aDouble": "nan"}"#), "json_type");
    assert_eq!(rule(r#"{"aDouble": ""}"#), "json_type");
    assert_eq!(rule(r#"{"aDouble": NaN}"#), "json_syntax");
}

#[test]
fn enums_are_read_by_name_or_number() {
    assert_eq!(get(r#"{"color": "COLOR_RED"}"#, "color"), Some(Value::Enum(1)));
    assert_eq!(get(r#"{"color": 77}"#, "color"), Some(Value::Enum(77)));
    assert_eq!(get(r#"{"color": -1}"#, "color"), Some(Value::Enum(-1)));
    let error = decode(r#"{"color": "COLOUR_RED"}"#).unwrap_err();
    assert!(error.message.ends_with("did you mean COLOR_RED?"), "{error}");
    assert_eq!(rule(r#"{"color": 2147483648}"#), "range");
    assert_eq!(rule(r#"{"color": true}"#), "json_type");
    assert_eq!(written("color", Value::Enum(77)).split(',').next(), Some("77"));
}

#[test]
fn bytes_are_read_in_both_alphabets() {
    for (encoded, expected) in [
        ("", None),
        ("+/+/", Some("\u{fb}\u{ff}\u{bf}")),
        ("-_-_", Some("\u{fb}\u{ff}\u{bf}")),
        ("YQ", Some("a")),
        ("YQ==", Some("a")),
    ] {
        let expected =
            expected.map(|text| Value::Bytes(text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()));
        assert_eq!(get(&format!("{{\"someBytes\": \"{encoded}\"}}"), "some_bytes"), expected, "{encoded}");
    }
    for broken in ["Y", "Y Q=", "+_", "é"] {
        assert_eq!(rule(&format!("{{\"someBytes\": \"{broken}\"}}")), "base64", "{broken}");
    }
}

#[test]
fn null_is_absence_except_for_values() {
    let nulls = shape().fields.iter().filter(|field| !matches!(field.name.as_str(), "value" | "choice_value"));
    for field in nulls {
        assert!(decode(&format!("{{\"{}\": null}}", field.name)).unwrap().is_empty(), "{}", field.name);
    }
    assert_eq!(get(r#"{"value": null}"#, "value"), Some(Value::Json(json!(null))));
    assert_eq!(get(r#"{"values": [null]}"#, "values"), Some(Value::List(vec![Value::Json(json!(null))])));
    assert_eq!(get(r#"{"values": null}"#, "values"), None);
    assert_eq!(rule(r#"{"strings": [null]}"#), "json_type");
    assert_eq!(rule(r#"{"nesteds": [null]}"#), "json_type");
    assert_eq!(rule(r#"{"labels": {"a": null}}"#), "json_type");
}

#[test]
fn a_oneof_has_one_member() {
    let error = decode(r#"{"choiceString": "", "choiceInt64": 0}"#).unwrap_err();
    assert_eq!((error.field.as_str(), error.rule), ("choice_int64", "oneof"));
    assert_eq!(get(r#"{"choiceString": null, "choiceInt64": 0}"#, "choice_int64"), Some(Value::Int(0)));
    assert_eq!(rule(r#"{"choiceValue": null, "choiceInt64": 0}"#), "oneof");
    assert_eq!(decode(r#"{"nested": {"left": "", "right": 0}}"#).unwrap_err().field, "nested.right");
}

#[test]
fn map_keys_are_read_by_their_type() {
    let bools = vec![(Value::Bool(false), Value::Int(1)), (Value::Bool(true), Value::Int(2))];
    assert_eq!(get(r#"{"byBool": {"true": 2, "false": "1"}}"#, "by_bool"), Some(Value::Map(bools)));
    assert_eq!(rule(r#"{"byBool": {"True": 2}}"#), "map_key");
    assert_eq!(decode(r#"{"byInt32": {"x": 2}}"#).unwrap_err().field, "by_int32[\"x\"]");
    assert_eq!(rule(r#"{"byInt32": {"2147483648": 2}}"#), "range");
}

#[test]
fn well_known_types_have_their_own_json() {
    assert_eq!(get(r#"{"timestamp": "1970-01-01T01:00:00+01:00"}"#, "timestamp"), Some(Value::Timestamp(0)));
    assert_eq!(get(r#"{"duration": "-1.5s"}"#, "duration"), Some(Value::Duration(-1_500_000)));
    assert_eq!(get(r#"{"int64Value": "0"}"#, "int64_value"), Some(Value::Int(0)));
    assert_eq!(get(r#"{"empty": {}}"#, "empty"), Some(Value::Empty));
    assert_eq!(rule(r#"{"empty": {"a": 1}}"#), "unknown_field");
    assert_eq!(rule(r#"{"timestamp": 5}"#), "json_type");
    assert_eq!(rule(r#"{"struct": []}"#), "json_type");
    assert_eq!(rule(r#"{"listValue": {}}"#), "json_type");
    assert_eq!(rule(r#"{"struct": {"a": 1e999}}"#), "range");
}

#[test]
fn errors_have_our_own_text() {
    for (text, expected) in [
        (r#"{"someBytes": "A=="}"#, "it has `=` before its end"),
        (r#"{"someBytes": "a*bc"}"#, "'*' at byte 1 is not a character of it"),
        (
            r#"{"anInt32": 01}"#,
            "a number without leading zeros, with digits on both sides of the decimal point and in the exponent, not 01",
        ),
        (r#"{"byInt32": {"01": 1}}"#, "its keys are whole numbers without leading zeros"),
        (r#"{"struct": {"id": 9007199254740993}}"#, "would become 9007199254740992"),
    ] {
        let error = decode(text).unwrap_err();
        assert!(error.message.contains(expected), "{text}: {error}");
    }
    assert!(get(r#"{"struct": {"id": "9007199254740993"}}"#, "struct").is_some());
}

#[test]
fn errors_about_enums_list_the_values() {
    let field = super::shape().fields.iter().find(|field| matches!(field.kind, groundplan_model::Kind::Enum(_)));
    let field = field.unwrap();
    let error = decode(&format!("{{\"{}\": \"NOPE\"}}", field.json_name)).unwrap_err();
    assert!(error.message.contains("(the values are ") && error.message.len() < 700, "{error}");
}

#[test]
fn field_masks_are_read_in_two_forms() {
    let expected = Some(Value::FieldMask(vec!["a.b".into(), "c_d".into()]));
    for form in [r#""a.b,cD""#, r#"{"paths": ["a.b", "cD"]}"#, r#"{"paths": ["a.b", "c_d"]}"#] {
        assert_eq!(get(&format!("{{\"fieldMask\": {form}}}"), "field_mask"), expected);
    }
    assert_eq!(get(r#"{"fieldMask": ""}"#, "field_mask"), Some(Value::FieldMask(vec![])));
    assert_eq!(get(r#"{"fieldMask": {}}"#, "field_mask"), Some(Value::FieldMask(vec![])));
    for broken in ["a,", "a_b", "_b", "B"] {
        assert_eq!(rule(&format!("{{\"fieldMask\": \"{broken}\"}}")), "field_mask", "{broken}");
    }
    assert_eq!(rule(r#"{"fieldMask": {"paths": ["_b"]}}"#), "field_mask");
    assert_eq!(rule(r#"{"fieldMask": ["a"]}"#), "json_type");
    assert_eq!(rule(r#"{"fieldMask": {"path": []}}"#), "unknown_field");
    assert!(written("field_mask", Value::FieldMask(vec!["a.b".into(), "c_d".into()])).starts_with("\"a.b,cD\""));
}

#[test]
fn text_must_be_unicode_without_nul() {
    for lone in ["\\ud800", "\\udc00", "\\ud800\\u0041", "\\udc00\\ud800"] {
        assert_eq!(rule(&format!("{{\"id\": \"{lone}\"}}")), "utf8", "{lone}");
    }
    assert_eq!(get(r#"{"id": "\ud83d\ude00\u00e9\n\/"}"#, "id"), Some(text("😀é\n/")));
    assert_eq!(rule(r#"{"id": "\u0000"}"#), "nul");
    assert_eq!(rule(r#"{"labels": {"\u0000": ""}}"#), "nul");
    assert_eq!(rule(r#"{"struct": {"a": "\u0000"}}"#), "nul");
    assert_eq!(rule(r#"{"struct": {"\u0000": 1}}"#), "nul");
    let broken = json::decode(shapes(), everything(), b"{\"id\": \"\xFF\"}", &Budget::default()).unwrap_err();
    assert_eq!(broken.rule, "utf8");
    let surrogate =
        json::decode(shapes(), everything(), b"{\"id\": \"\xED\xA0\x80\"}", &Budget::default()).unwrap_err();
    assert_eq!(surrogate.rule, "utf8");
}

#[test]
fn invalid_json_is_rejected_with_its_location() {
    for broken in [
        "",
        "{",
        "}",
        "{]",
        "{\"id\"}",
        "{\"id\":}",
        "{\"id\":\"a\",}",
        "{,}",
        "{\"id\":\"a\"} x",
        "{\"id\":\"a\"}{}",
        "{'id':'a'}",
        "{\"id\":\"a\" \"far\":\"b\"}",
        "{\"aDouble\":01}",
        "{\"aDouble\":1.}",
        "{\"aDouble\":.5}",
        "{\"aDouble\":+1}",
        "{\"aDouble\":1e}",
        "{\"aDouble\":-}",
        "{\"id\":\"\\x\"}",
        "{\"id\":\"\\u12\"}",
        "{\"id\":\"a\nb\"}",
        "{\"id\":\"a",
        "{\"bools\":[true,]}",
        "{\"bools\":[true false]}",
        "{\"aBool\":tru}",
        "\u{feff}{}",
        "{/**/}",
        "{\"strings\":[\"a\"",
    ] {
        let error = decode(broken).unwrap_err();
        assert_eq!(error.rule, "json_syntax", "{broken}: {error}");
    }
    let error = decode("{\n  \"id\": oops}").unwrap_err();
    assert!(error.message.starts_with("is not valid JSON at line 2, column 9: expected a value, not 'o'"), "{error}");
    for other in ["null", "[]", "1", "\"a\"", "true"] {
        assert_eq!(rule(other), "json_type");
    }
    assert!(decode("[]").unwrap_err().to_string().starts_with("the record must be an object"));
}
