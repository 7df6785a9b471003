//! Tests of each rule of the wire format.

use super::{everything, id, shape, shapes, text};
use crate::{DecodeError, Record, Value, wire};
use groundplan_budget::Budget;
use serde_json::json;

fn decode(bytes: &[u8]) -> Result<Record, DecodeError> {
    wire::decode(shapes(), everything(), bytes, &Budget::default())
}

fn get(bytes: &[u8], name: &str) -> Option<Value> {
    decode(bytes).unwrap().get(id(name)).cloned()
}

fn error_of(bytes: &[u8]) -> (String, &'static str) {
    let error = decode(bytes).unwrap_err();
    (error.field, error.rule)
}

/// Returns a tag of a field number and a wire type.
fn tag(number: u32, wire_type: u32) -> Vec<u8> {
    varint(u64::from(number << 3 | wire_type))
}

fn varint(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(value, &mut out);
    out
}

fn number(field: u32, value: u64) -> Vec<u8> {
    [tag(field, 0), varint(value)].concat()
}

fn bytes(field: u32, body: &[u8]) -> Vec<u8> {
    [tag(field, 2), varint(body.len() as u64), body.to_vec()].concat()
}

#[test]
fn zero_without_presence_is_absent_and_negative_zero_is_not() {
    assert_eq!(get(&number(3, 0), "an_int32"), None);
    assert_eq!(get(&[number(3, 5), number(3, 0)].concat(), "an_int32"), None);
    assert_eq!(get(&number(21, 0), "maybe_int32"), Some(Value::Int(0)));
    let negative = [tag(14, 1), (-0.0_f64).to_le_bytes().to_vec()].concat();
    assert_eq!(get(&negative, "a_double"), Some(Value::Double(-0.0)));
    assert_eq!(get(&[tag(14, 1), vec![0; 8]].concat(), "a_double"), None);
    assert_eq!(get(&bytes(30, b""), "bools"), None);
}

#[test]
fn the_last_occurrence_wins() {
    assert_eq!(get(&[number(3, 5), number(3, 7)].concat(), "an_int32"), Some(Value::Int(7)));
}

#[test]
fn varints_are_cut_to_32_bits() {
    assert_eq!(get(&number(3, u64::MAX), "an_int32"), Some(Value::Int(-1)));
    assert_eq!(get(&number(3, 0x1_0000_0005), "an_int32"), Some(Value::Int(5)));
    assert_eq!(get(&number(6, u64::MAX), "a_uint32"), Some(Value::Int(0xFFFF_FFFF)));
    assert_eq!(get(&number(4, 0x1_0000_0003), "a_sint32"), Some(Value::Int(-2)));
    assert_eq!(get(&number(17, 0x1_0000_0063), "color"), Some(Value::Enum(99)));
    assert_eq!(get(&number(2, 0x1_0000_0000), "a_bool"), Some(Value::Bool(true)));
}

#[test]
fn lists_can_be_packed_or_not_or_both() {
    let all = [number(31, 1), bytes(31, &[2, 3]), number(31, 0)].concat();
    let expected = [1, 2, 3, 0].map(Value::Int).to_vec();
    assert_eq!(get(&all, "int32s"), Some(Value::List(expected)));
    let fixed = [bytes(33, &[1, 0, 0, 0, 2, 0, 0, 0]), tag(33, 5), vec![3, 0, 0, 0]].concat();
    assert_eq!(get(&fixed, "fixed32s"), Some(Value::List([1, 2, 3].map(Value::Int).to_vec())));
    assert_eq!(error_of(&bytes(33, &[1, 0, 0])), ("fixed32s[0]".into(), "truncated"));
}

#[test]
fn the_last_member_of_a_oneof_wins() {
    let record = decode(&[bytes(60, b"a"), number(61, 0)].concat()).unwrap();
    assert_eq!(record.get(id("choice_string")), None);
    assert_eq!(record.get(id("choice_int64")), Some(&Value::Int(0)));
    // A message that another member replaces is cleared, and starts empty when it occurs again.
    let nested = |title: &[u8]| bytes(62, &bytes(1, title));
    let record = decode(&[nested(b"first"), number(61, 1)].concat()).unwrap();
    assert_eq!(record.get(id("choice_nested")), None);
    let rating = bytes(62, &number(2, 3));
    let record = decode(&[nested(b"first"), bytes(60, b"a"), rating].concat()).unwrap();
    assert_eq!(record.get(id("choice_string")), None);
    let Some(Value::Message(message)) = record.get(id("choice_nested")) else { panic!() };
    assert_eq!(message.iter().count(), 1);
}

#[test]
fn maps_have_defaults_and_their_last_entry_wins() {
    let entry = |key: &[u8], value: &[u8]| bytes(50, &[bytes(1, key), bytes(2, value)].concat());
    let all = [entry(b"b", b"1"), entry(b"a", b"2"), entry(b"b", b"3"), bytes(50, b"")].concat();
    let expected = [("", ""), ("a", "2"), ("b", "3")].map(|(key, value)| (text(key), text(value)));
    assert_eq!(get(&all, "labels"), Some(Value::Map(expected.to_vec())));
    let nested = get(&bytes(55, b""), "by_fixed32");
    let empty = Record::new(shapes().get(super::nested()));
    assert_eq!(nested, Some(Value::Map(vec![(Value::Int(0), Value::Message(empty))])));
    assert_eq!(get(&bytes(56, b""), "times"), Some(Value::Map(vec![(text(""), Value::Timestamp(0))])));
}

#[test]
fn unknown_fields_are_rejected_at_every_depth() {
    assert_eq!(error_of(&number(999, 1)), ("999".into(), "unknown_field"));
    assert_eq!(error_of(&number(268_435_456, 1)), ("268435456".into(), "unknown_field"));
    assert_eq!(error_of(&bytes(70, &number(99, 1))), ("nested.99".into(), "unknown_field"));
    assert_eq!(error_of(&bytes(40, &bytes(4, &number(99, 1)))), ("nesteds[0].child.99".into(), "unknown_field"));
    assert_eq!(error_of(&bytes(71, &number(3, 1))), ("timestamp.3".into(), "unknown_field"));
    assert_eq!(error_of(&bytes(77, &number(1, 1))), ("empty.1".into(), "unknown_field"));
    assert_eq!(error_of(&bytes(50, &number(3, 1))), ("labels.3".into(), "unknown_field"));
    let entry = [bytes(1, b""), bytes(2, &number(99, 1))].concat();
    assert_eq!(error_of(&bytes(55, &bytes(2, &number(99, 1)))), ("by_fixed32[\"0\"].99".into(), "unknown_field"));
    assert_eq!(error_of(&bytes(73, &bytes(1, &entry))).1, "unknown_field");
    let message = decode(&number(999, 1)).unwrap_err().to_string();
    assert!(message.starts_with("999 is not a field number of every.v1.Everything"), "{message}");
}

#[test]
fn wrong_wire_types_and_groups_are_rejected() {
    assert_eq!(error_of(&bytes(3, b"")), ("an_int32".into(), "wire_type"));
    assert_eq!(error_of(&number(15, 1)), ("a_string".into(), "wire_type"));
    assert_eq!(error_of(&number(70, 1)), ("nested".into(), "wire_type"));
    assert_eq!(error_of(&number(14, 1)), ("a_double".into(), "wire_type"));
    assert_eq!(error_of(&tag(3, 3)), ("an_int32".into(), "wire_type"));
    assert_eq!(error_of(&tag(3, 7)), ("an_int32".into(), "wire_type"));
    assert_eq!(error_of(&number(37, 1)), ("strings".into(), "wire_type"));
    assert_eq!(error_of(&[tag(31, 5), vec![0; 4]].concat()), ("int32s".into(), "wire_type"));
    assert_eq!(error_of(&number(0, 1)), (String::new(), "tag"));
    assert_eq!(error_of(&varint(1 << 33)), (String::new(), "tag"));
}

#[test]
fn truncated_or_overlong_bytes_are_rejected() {
    assert_eq!(error_of(&tag(3, 0)), ("an_int32".into(), "truncated"));
    assert_eq!(error_of(&[0x18, 0x80]), ("an_int32".into(), "truncated"));
    assert_eq!(error_of(&[tag(15, 2), vec![5, b'a']].concat()), ("a_string".into(), "truncated"));
    assert_eq!(error_of(&[tag(15, 2), varint(u64::MAX)].concat()), ("a_string".into(), "truncated"));
    assert_eq!(error_of(&[tag(14, 1), vec![0; 7]].concat()), ("a_double".into(), "truncated"));
    assert_eq!(error_of(&[&[0x18][..], &[0xFF; 10], &[1]].concat()), ("an_int32".into(), "varint"));
    assert_eq!(error_of(&[&[0x18][..], &[0xFF; 9], &[2]].concat()), ("an_int32".into(), "varint"));
    assert_eq!(get(&[&[0x40][..], &[0xFF; 9], &[1]].concat(), "an_int64"), Some(Value::Int(-1)));
    let error = decode(&[0x80]).unwrap_err().to_string();
    assert!(error.starts_with("the record is truncated"), "{error}");
}

#[test]
fn text_must_be_utf8_without_nul() {
    assert_eq!(error_of(&bytes(15, &[0xFF])), ("a_string".into(), "utf8"));
    assert_eq!(error_of(&bytes(15, &[0xED, 0xA0, 0x80])), ("a_string".into(), "utf8"));
    assert_eq!(error_of(&bytes(15, b"a\0b")), ("a_string".into(), "nul"));
    assert_eq!(error_of(&bytes(37, b"\0")), ("strings[0]".into(), "nul"));
    assert_eq!(error_of(&bytes(50, &bytes(1, b"\0"))), ("labels".into(), "nul"));
    assert_eq!(error_of(&bytes(76, &bytes(1, b"\0"))), ("field_mask".into(), "nul"));
    let member = |key: &[u8], value: &[u8]| bytes(73, &bytes(1, &[bytes(1, key), bytes(2, &bytes(3, value))].concat()));
    assert_eq!(error_of(&member(b"\0", b"")), ("struct".into(), "nul"));
    assert_eq!(error_of(&member(b"k", b"\0")), ("struct[\"k\"]".into(), "nul"));
    assert!(decode(&bytes(16, b"\0\xFF")).is_ok());
}

#[test]
fn times_have_ranges_and_microseconds() {
    let time = |seconds: i64, nanos: i32| {
        [number(1, seconds.cast_unsigned()), number(2, i64::from(nanos).cast_unsigned())].concat()
    };
    assert_eq!(get(&bytes(71, &time(-1, 999_999_999)), "timestamp"), Some(Value::Timestamp(-1)));
    assert_eq!(get(&bytes(71, &time(1, 1_999)), "timestamp"), Some(Value::Timestamp(1_000_001)));
    assert_eq!(get(&bytes(71, b""), "timestamp"), Some(Value::Timestamp(0)));
    assert_eq!(get(&bytes(72, &time(-1, -1_999)), "duration"), Some(Value::Duration(-1_000_001)));
    for (field, seconds, nanos) in [
        (71, 253_402_300_800, 0),
        (71, -62_135_596_801, 0),
        (71, 0, -1),
        (71, 0, 1_000_000_000),
        (71, i64::MAX, 0),
        (72, 315_576_000_001, 0),
        (72, i64::MIN, 0),
        (72, 1, -1),
        (72, 0, i32::MIN),
    ] {
        assert_eq!(error_of(&bytes(field, &time(seconds, nanos))).1, "range", "{seconds} {nanos}");
    }
}

#[test]
fn occurrences_of_one_message_merge() {
    let parts = [bytes(71, &number(1, 5)), bytes(71, &number(2, 7_000))].concat();
    assert_eq!(get(&parts, "timestamp"), Some(Value::Timestamp(5_000_007)));
    let nested = [bytes(70, &bytes(1, b"t")), bytes(70, &number(2, 3)), bytes(70, b"")].concat();
    let Some(Value::Message(nested)) = get(&nested, "nested") else { panic!() };
    assert_eq!(nested.iter().count(), 2);
}

#[test]
fn wrappers_hold_zero_and_absence() {
    assert_eq!(get(&bytes(82, b""), "int64_value"), Some(Value::Int(0)));
    assert_eq!(get(&bytes(82, &number(1, 4)), "int64_value"), Some(Value::Int(4)));
    assert_eq!(get(b"", "int64_value"), None);
}

#[test]
fn free_form_json_is_checked() {
    let number = |value: f64| [tag(2, 1), value.to_le_bytes().to_vec()].concat();
    assert_eq!(get(&bytes(74, &number(3.0)), "value"), Some(Value::Json(json!(3))));
    assert_eq!(get(&bytes(74, &number(-0.0)), "value"), Some(Value::Json(json!(0))));
    assert_eq!(error_of(&bytes(74, &number(f64::NAN))), ("value".into(), "range"));
    assert_eq!(error_of(&bytes(74, &number(f64::INFINITY))), ("value".into(), "range"));
    assert_eq!(error_of(&bytes(74, b"")), ("value".into(), "value_kind"));
    assert_eq!(get(&bytes(74, &[8, 0]), "value"), Some(Value::Json(json!(null))));
    assert_eq!(get(&bytes(73, b""), "struct"), Some(Value::Json(json!({}))));
    assert_eq!(get(&bytes(75, b""), "list_value"), Some(Value::Json(json!([]))));
    assert_eq!(error_of(&bytes(42, b"")), ("values[0]".into(), "value_kind"));
}

#[test]
fn replaced_members_must_be_valid() {
    // google.protobuf.Value: a truncated struct, and then a bool.
    assert_eq!(error_of(&bytes(74, &[0x2A, 1, 0xF1, 0x20, 1])).0, "value");
    assert_eq!(error_of(&bytes(74, &[0x32, 1, 0xF1, 0x20, 1])).0, "value");
    // A struct, a bool, and a valid struct.
    assert_eq!(error_of(&bytes(74, &[0x2A, 1, 0xF1, 0x20, 1, 0x2A, 0])).0, "value");
    assert_eq!(get(&bytes(74, &[0x2A, 0, 0x20, 1]), "value"), Some(Value::Json(json!(true))));
    assert_eq!(get(&bytes(74, &[0x32, 0, 0x2A, 0]), "value"), Some(Value::Json(json!({}))));
    // A oneof of a model: choice_nested with an unknown field, and then choice_int64.
    assert!(decode(&[bytes(62, &[0xF8, 0x07, 1]), number(61, 1)].concat()).is_err());
    assert!(decode(&[bytes(62, &[0xF8, 0x07, 1]), bytes(64, &[0x20, 1])].concat()).is_err());
    assert_eq!(get(&[bytes(62, &[]), number(61, 1)].concat(), "choice_int64"), Some(Value::Int(1)));
}

#[test]
fn field_masks_that_json_cannot_represent_are_rejected() {
    for path in [&b"fooBar"[..], b"_b", b"a__b", b"f_1", b"a_"] {
        assert_eq!(error_of(&bytes(76, &bytes(1, path))), ("field_mask".into(), "field_mask"), "{path:?}");
    }
    assert_eq!(get(&bytes(76, &bytes(1, b"foo_bar")), "field_mask"), Some(Value::FieldMask(vec!["foo_bar".into()])));
}

#[test]
fn setting_a_member_of_a_oneof_clears_the_others() {
    let mut record = Record::new(shape());
    record.set_in(shape(), id("choice_string"), Some(text("")));
    record.set_in(shape(), id("choice_int64"), Some(Value::Int(0)));
    assert_eq!(record.iter().map(|(id, _)| id).collect::<Vec<_>>(), [id("choice_int64")]);
    // Clearing an unset member keeps the set one.
    record.set_in(shape(), id("choice_string"), None);
    assert!(record.get(id("choice_int64")).is_some());
    record.set_in(shape(), id("a_string"), Some(text("")));
    record.set_in(shape(), id("bools"), Some(Value::List(Vec::new())));
    record.set(id("labels"), Some(Value::Map(Vec::new())));
    assert_eq!(record.iter().count(), 1);
}

#[test]
fn fields_are_written_in_the_order_of_their_numbers() {
    let mut record = Record::new(shape());
    record.set_in(shape(), id("far"), Some(text("z")));
    record.set_in(shape(), id("id"), Some(text("a")));
    record.set_in(shape(), id("int32s"), Some(Value::List(vec![Value::Int(1), Value::Int(-1)])));
    let mut out = Vec::new();
    wire::encode(shapes(), everything(), &record, &mut out);
    let packed = [&[1][..], &[0xFF; 9], &[1]].concat();
    assert_eq!(out, [bytes(1, b"a"), bytes(31, &packed), bytes(100_000, b"z")].concat());
}
