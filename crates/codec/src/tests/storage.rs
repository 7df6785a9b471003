//! Tests of the JSON of `jsonb` columns.

use super::{field, nested, random, shapes, text};
use crate::{Record, Value, storage};
use proptest::prelude::*;
use serde_json::json;

fn encode(name: &str, value: &Value) -> String {
    let mut out = Vec::new();
    storage::encode(shapes(), field(name), value, &mut out);
    String::from_utf8(out).unwrap()
}

fn decode(name: &str, json: &str) -> Value {
    storage::decode(shapes(), field(name), json.as_bytes()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stored_values_survive(record in random::record(super::everything())) {
        for (id, value) in record.iter() {
            let field = super::shape().field(id);
            let stored = encode(&field.name, value);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&stored).is_ok());
            prop_assert_eq!(&decode(&field.name, &stored), value, "{}", stored);
        }
    }
}

#[test]
fn keys_are_storage_names_and_numbers_are_numbers() {
    let shape = shapes().get(nested());
    let mut record = Record::new(shape);
    record.set_in(shape, shape.by_name("title").unwrap(), Some(text("t")));
    record.set_in(shape, shape.by_name("rating").unwrap(), Some(Value::Int(0)));
    record.set_in(shape, shape.by_name("secret").unwrap(), Some(text("s")));
    record.set_in(shape, shape.by_name("right").unwrap(), Some(Value::Int(i64::MIN)));
    let value = Value::Message(record);
    let stored = encode("nested", &value);
    assert_eq!(stored, r#"{"old_title":"t","rating":0,"secret":"s","right":-9223372036854775808}"#);
    assert_eq!(decode("nested", &stored), value);
    assert_eq!(encode("by_sint64", &Value::Map(vec![(Value::Int(-1), Value::Enum(1))])), r#"{"-1":1}"#);
    assert_eq!(encode("uint64s", &Value::List(vec![Value::Uint(u64::MAX)])), "[18446744073709551615]");
    assert_eq!(encode("field_mask", &Value::FieldMask(vec!["a_b".into()])), r#"["a_b"]"#);
    assert_eq!(encode("timestamps", &Value::List(vec![Value::Timestamp(-1)])), r#"["1969-12-31T23:59:59.999999Z"]"#);
    assert_eq!(encode("choice_duration", &Value::Duration(-1_500_000)), r#""-1.500s""#);
}

#[test]
fn doubles_that_jsonb_cannot_represent_are_strings() {
    let doubles = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0].map(Value::Double).to_vec();
    let value = Value::List(doubles);
    assert_eq!(encode("doubles", &value), r#"["NaN","Infinity","-Infinity","-0",0]"#);
    assert_eq!(decode("doubles", &encode("doubles", &value)), value);
}

#[test]
fn numbers_are_read_from_the_digits_of_jsonb() {
    let huge = format!("1{}", "0".repeat(308));
    let tiny = format!("0.{}5", "0".repeat(323));
    assert_eq!(
        decode("doubles", &format!("[{huge}, {tiny}, 0.1]")),
        Value::List([1e308, 5e-324, 0.1].map(Value::Double).to_vec())
    );
    assert_eq!(decode("value", &huge), Value::Json(json!(1e308)));
    assert_eq!(decode("floats", "[0.1]"), Value::List(vec![Value::Double(0.1_f32.into())]));
}

#[test]
fn only_a_value_can_be_null() {
    assert_eq!(decode("value", "null"), Value::Json(json!(null)));
    assert_eq!(
        decode("values", "[null, [null]]"),
        Value::List(vec![Value::Json(json!(null)), Value::Json(json!([null]))])
    );
    assert!(storage::decode(shapes(), field("nested"), b"null").is_err());
    assert!(storage::decode(shapes(), field("nesteds"), b"[null]").is_err());
}

#[test]
fn unknown_keys_are_kept_unchanged() {
    let stored =
        r#"{"gone": [{"a": [1, "]", {}]}], "title": 5, "old_title": "t", "more": null, "q\"\n": -1.50e3, "x": {}}"#;
    let Value::Message(record) = decode("nested", stored) else { panic!() };
    assert_eq!(record.iter().count(), 1);
    let unknown = r#""gone":[{"a": [1, "]", {}]}],"title":5,"more":null,"q\"\n":-1.50e3,"x":{}"#;
    assert_eq!(encode("nested", &Value::Message(record.clone())), format!(r#"{{"old_title":"t",{unknown}}}"#));
    let Value::Message(plain) = decode("nested", r#"{"old_title": "t"}"#) else { panic!() };
    assert_eq!(record, plain);
    let (mut wire, mut json) = (Vec::new(), Vec::new());
    crate::wire::encode(shapes(), nested(), &record, &mut wire);
    assert_eq!(wire.len(), crate::wire::encoded_len(shapes(), nested(), &plain));
    crate::json::encode(shapes(), nested(), &record, &mut json);
    assert!(!String::from_utf8(json).unwrap().contains("gone"));
    assert_eq!(encode("nested", &decode("nested", r#"{"gone": 1}"#)), r#"{"gone":1}"#);
    assert!(storage::decode(shapes(), field("nested"), b"{\"gone\": [}").is_err());
}
