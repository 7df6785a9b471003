//! Tests of encoding proto3 JSON.

use super::super::{shape, text};
use super::{decode, encode, encode_text, with, written};
use crate::{Record, Value};
use serde_json::json;

#[test]
fn zeros_are_written_and_absent_fields_are_not() {
    let json = encode(&Record::new(shape()));
    assert_eq!(json["id"], json!(""));
    assert_eq!(json["anInt32"], json!(0));
    assert_eq!(json["anInt64"], json!("0"));
    assert_eq!(json["aDouble"], json!(0));
    assert_eq!(json["aBool"], json!(false));
    assert_eq!(json["someBytes"], json!(""));
    assert_eq!(json["color"], json!("COLOR_UNSPECIFIED"));
    assert_eq!(json["strings"], json!([]));
    assert_eq!(json["labels"], json!({}));
    for absent in ["maybeInt32", "choiceString", "nested", "timestamp", "int64Value", "value", "empty"] {
        assert_eq!(json.get(absent), None, "{absent}");
    }
    assert_eq!(encode(&with("maybe_int32", Value::Int(0)))["maybeInt32"], json!(0));
    assert_eq!(encode(&with("choice_string", text("")))["choiceString"], json!(""));
}

#[test]
fn numbers_are_written_in_the_shortest_form() {
    for (value, expected) in [(123.0, "123"), (0.1, "0.1"), (-0.0, "-0.0"), (f64::NAN, "\"NaN\""), (1.5, "1.5")] {
        assert_eq!(written("a_double", Value::Double(value)).split(',').next(), Some(expected));
    }
    assert!(written("a_float", Value::Double(0.1_f32.into())).starts_with("0.1,"));
    assert!(written("a_uint64", Value::Uint(u64::MAX)).starts_with("\"18446744073709551615\""));
    assert!(written("a_uint32", Value::Int(7)).starts_with("7,"));
    assert!(
        written("struct", Value::Json(json!({"a": 3, "b": 1.0, "c": 0.5}))).starts_with(r#"{"a":3,"b":1,"c":0.5}"#)
    );
}

#[test]
fn input_only_fields_are_never_written() {
    let record = decode(r#"{"nested": {"title": "t", "secret": "s", "child": {"secret": "s"}}}"#).unwrap();
    let text = String::from_utf8(encode_text(&record)).unwrap();
    assert!(!text.contains("secret"));
    assert!(text.contains(r#""nested":{"title":"t""#));
}
