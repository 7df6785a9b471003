//! Broken, huge or hostile input is an error, never a panic.

use super::{everything, field, random, shapes};
use crate::{MAX_VALUES, json, mask::UpdateMask, storage, wire};
use groundplan_budget::{Allowance, Budget, DEFAULT, Resource};
use groundplan_error::Reason;
use proptest::prelude::*;

fn wire_rule(bytes: &[u8]) -> &'static str {
    wire::decode(shapes(), everything(), bytes, &Budget::default()).unwrap_err().rule
}

fn json_rule(text: &str) -> &'static str {
    json::decode(shapes(), everything(), text.as_bytes(), &Budget::default()).unwrap_err().rule
}

/// Returns a length-delimited field.
fn delimited(number: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut out);
    prost::encoding::encode_varint(body.len() as u64, &mut out);
    out.extend_from_slice(body);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in any::<Vec<u8>>()) {
        let _ = wire::decode(shapes(), everything(), &bytes, &Budget::default());
        let _ = json::decode(shapes(), everything(), &bytes, &Budget::default());
        let _ = storage::decode(shapes(), field("nested"), &bytes);
    }

    #[test]
    fn random_json_like_text_never_panics(text in r#"(\{|\}|\[|\]|,|:|"|"a[a-z_]{3,8}"|"nested"|"value"|null|true|-?[0-9.eE+]{1,4}|\\u[dD89][0-9a-f]{3}| ){0,30}"#) {
        let _ = json::decode(shapes(), everything(), text.as_bytes(), &Budget::default());
        let _ = storage::decode(shapes(), field("value"), text.as_bytes());
        let valid = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        if json::decode(shapes(), everything(), format!("{{\"value\":{text}}}").as_bytes(), &Budget::default()).is_ok() && !text.contains("value") {
            prop_assert!(valid, "{}", text);
        }
    }

    #[test]
    fn masks_never_panic(paths in proptest::collection::vec("[a-z_.*]{0,12}", 0..5)) {
        let _ = UpdateMask::parse(shapes(), everything(), &paths);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn truncations_never_panic(record in random::record(everything())) {
        let mut bytes = Vec::new();
        wire::encode(shapes(), everything(), &record, &mut bytes);
        let mut text = Vec::new();
        json::encode(shapes(), everything(), &record, &mut text);
        for end in 0..bytes.len().min(2_000) {
            let _ = wire::decode(shapes(), everything(), &bytes[..end], &Budget::default());
        }
        for end in 0..text.len().min(2_000) {
            prop_assert!(json::decode(shapes(), everything(), &text[..end], &Budget::default()).is_err());
        }
    }
}

#[test]
fn deep_json_is_rejected_before_the_stack_overflows() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{{\"value\":{}1{}}}", open.repeat(100_000), close.repeat(100_000));
        assert_eq!(json_rule(&deep), "depth");
        assert_eq!(json_rule(&format!("{{\"value\":{}", open.repeat(100_000))), "depth");
        let stored = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        assert_eq!(storage::decode(shapes(), field("value"), stored.as_bytes()).unwrap_err().rule, "depth");
    }
    assert_eq!(json_rule(&"{\"nested\":".repeat(2)), "unknown_field");
    assert_eq!(json_rule(&format!("{{\"nested\":{}", "{\"child\":".repeat(100_000))), "depth");
    assert_eq!(json_rule(&format!("{{\"nested\":{}", "{\"children\":[".repeat(100_000))), "depth");
    assert_eq!(json_rule(&format!("{{\"nested\":{}", "[".repeat(100_000))), "json_type");
}

#[test]
fn unknown_stored_values_are_skipped_at_any_depth() {
    let stored = format!("{{\"gone\":{}{},\"old_title\":\"t\"}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(storage::decode(shapes(), field("nested"), stored.as_bytes()).is_ok());
}

#[test]
fn deep_messages_are_rejected_before_the_stack_overflows() {
    // 32 levels: the record, and 31 messages inside.
    let nest = |levels: usize, number: u32| (0..levels).fold(Vec::new(), |inner, _| delimited(number, &inner));
    for number in [3, 4] {
        assert!(wire::decode(shapes(), everything(), &delimited(70, &nest(30, number)), &Budget::default()).is_ok());
        assert_eq!(wire_rule(&delimited(70, &nest(31, number))), "depth");
        assert_eq!(wire_rule(&delimited(70, &nest(20_000, number))), "depth");
    }
    // A list of a list of a list …, in `value`.
    let lists = |levels: usize| (0..levels).fold(delimited(3, b"x"), |inner, _| delimited(6, &delimited(1, &inner)));
    assert!(wire::decode(shapes(), everything(), &delimited(74, &lists(31)), &Budget::default()).is_ok());
    assert_eq!(wire_rule(&delimited(74, &lists(32))), "depth");
    assert_eq!(wire_rule(&delimited(74, &lists(20_000))), "depth");
}

#[test]
fn every_encoding_has_the_same_depth() {
    let deep = |levels: usize| format!("{{\"value\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let record = json::decode(shapes(), everything(), deep(31).as_bytes(), &Budget::default()).unwrap().record;
    let mut bytes = Vec::new();
    wire::encode(shapes(), everything(), &record, &mut bytes);
    assert_eq!(wire::decode(shapes(), everything(), &bytes, &Budget::default()).unwrap(), record);
    assert_eq!(json_rule(&deep(32)), "depth");
}

#[test]
fn small_inputs_cannot_allocate_much_memory() {
    // Two bytes per element, each of which would be a record.
    assert_eq!(wire_rule(&delimited(40, b"").repeat(MAX_VALUES / 4)), "budget");
    // One byte per element.
    assert_eq!(wire_rule(&delimited(30, &vec![1; MAX_VALUES + 1])), "budget");
    let elements = "{},".repeat(MAX_VALUES / 4);
    assert_eq!(json_rule(&format!("{{\"nesteds\":[{elements}{{}}]}}")), "budget");
}

#[test]
fn all_records_of_a_request_share_its_budget() {
    let allowance = Allowance { values: 10_000, ..DEFAULT };
    let (one, budget) = (delimited(30, &[1; 6_000]), Budget::new(allowance, None));
    assert!(wire::decode(shapes(), everything(), &one, &budget).is_ok());
    let error = wire::decode(shapes(), everything(), &one, &budget).unwrap_err();
    assert_eq!((error.rule, error.fatal_reason), ("budget", Some(Reason::BudgetExceeded)));
    let text = format!("{{\"nesteds\":[{}{{}}]}}", "{},".repeat(1_000));
    assert_eq!(json::decode(shapes(), everything(), text.as_bytes(), &budget).unwrap_err().rule, "budget");
}

#[test]
fn the_charge_of_a_record_covers_its_memory() {
    let deep =
        format!("{{\"value\":{{{}\"a\":1}}}}", (0..500).map(|at| format!("\"k{at}\":{{}},")).collect::<String>());
    let messages = format!("{{\"nesteds\":[{}{{}}]}}", "{},".repeat(1_000));
    let texts = format!("{{\"aString\":\"{}\"}}", "x".repeat(10_000));
    for text in [deep, messages, texts] {
        let budget = Budget::default();
        let record = json::decode(shapes(), everything(), text.as_bytes(), &budget).unwrap().record;
        let json = budget.spent(Resource::Bytes);
        assert!(json >= record.memory() as u64, "{json} bytes for {}", record.memory());
        let mut bytes = Vec::new();
        wire::encode(shapes(), everything(), &record, &mut bytes);
        let budget = Budget::default();
        wire::decode(shapes(), everything(), &bytes, &budget).unwrap();
        assert!(budget.spent(Resource::Bytes) >= record.memory() as u64);
    }
}

#[test]
fn each_copy_of_a_split_message_is_charged() {
    let bytes = delimited(70, &delimited(6, &delimited(1, &[b'x'; 1_000]))).repeat(100);
    let budget = Budget::default();
    wire::decode(shapes(), everything(), &bytes, &budget).unwrap();
    assert!(budget.spent(Resource::Bytes) > 2 * bytes.len() as u64);
}

#[test]
fn many_occurrences_of_one_message_are_decoded_once() {
    // Each adds an entry to one map; sorting it each time would take minutes.
    let entry =
        |at: u32| delimited(70, &delimited(6, &delimited(1, at.to_be_bytes().map(|byte| byte % 64 + 32).as_slice())));
    let bytes: Vec<u8> = (0..100_000).rev().flat_map(entry).collect();
    assert!(wire::decode(shapes(), everything(), &bytes, &Budget::default()).is_ok());
}
