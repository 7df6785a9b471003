//! Tests of read masks.

use super::random::record as random_record;
use super::{everything, id, nested, shapes};
use crate::mask::{MAX_PATHS, ReadMask};
use crate::{Record, json};
use groundplan_budget::Budget;

fn record(text: &str) -> Record {
    json::decode(shapes(), everything(), text.as_bytes(), &Budget::default()).unwrap().record
}

fn parse(paths: &[&str]) -> Result<ReadMask, String> {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    ReadMask::parse(shapes(), everything(), &paths).map_err(|error| {
        assert_eq!((error.field.as_str(), error.rule), ("read_mask", "mask"));
        error.message
    })
}

fn apply_mask(paths: &[&str], text: &str) -> Record {
    let mut record = record(text);
    parse(paths).unwrap().apply(shapes(), everything(), &mut record);
    record
}

#[test]
fn no_paths_and_a_star_mean_all_fields() {
    assert_eq!(parse(&[]), Ok(ReadMask::All));
    assert_eq!(parse(&["*"]), Ok(ReadMask::All));
    assert_eq!(ReadMask::All.fields(), None);
    let text = r#"{"id": "1", "nested": {"title": "t"}}"#;
    assert_eq!(apply_mask(&["*"], text), record(text));
}

#[test]
fn paths_are_read_by_both_names_and_each_field_counts_once() {
    assert_eq!(parse(&["an_int32", "nested.child.title"]), parse(&["nested.child.title", "anInt32", "anInt32"]));
    assert_eq!(parse(&["nested", "nested.title"]), parse(&["nested"]));
    let mut expected = vec![id("nested"), id("id")];
    expected.sort();
    let mask = parse(&["nested.title", "id", "nested.child"]).unwrap();
    assert_eq!(mask.fields(), Some(expected));
    assert_eq!(Ok(mask.with_fields(&[id("nested"), id("strings")])), parse(&["id", "strings", "nested"]));
    assert_eq!(ReadMask::All.with_fields(&[id("id")]), ReadMask::All);
}

#[test]
fn invalid_paths_are_rejected_with_an_explanation() {
    for (path, expected) in [
        ("nested.titel", "\"titel\" is not a field of every.v1.Nested; did you mean title?"),
        ("nesteds.title", "nesteds is a list, which can only be read as a whole; end the path there"),
        ("labels.a", "labels is a map"),
        ("struct.a", "struct is free-form JSON"),
        ("an_int32.x", "an_int32 is a single value"),
        ("", "\"\" is not a field"),
        ("nested..title", "\"\" is not a field"),
        ("nested.*", "\"*\" is not a field"),
    ] {
        let message = parse(&[path]).unwrap_err();
        assert!(message.contains(expected), "{path}: {message}");
    }
    assert!(parse(&["*", "id"]).unwrap_err().contains("next to"));
    assert!(parse(&["*", "*"]).unwrap_err().contains("next to"));
    assert!(parse(&vec!["id"; MAX_PATHS + 1]).is_err());
    assert!(parse(&vec!["id"; MAX_PATHS]).is_ok());
    assert!(parse(&["x".repeat(8_193).as_str()]).is_err());
}

#[test]
fn other_fields_are_cleared_at_every_depth() {
    let text = r#"{"id": "1", "aString": "a", "strings": ["x"], "choiceInt64": 3,
        "nested": {"title": "t", "rating": 2, "child": {"title": "u", "rating": 4}}}"#;
    assert_eq!(apply_mask(&["strings", "id"], text), record(r#"{"id": "1", "strings": ["x"]}"#));
    assert_eq!(apply_mask(&["nested.rating"], text), record(r#"{"nested": {"rating": 2}}"#));
    assert_eq!(
        apply_mask(&["nested"], text),
        record(&text.replace(r#""id": "1", "aString": "a", "strings": ["x"], "choiceInt64": 3,"#, ""))
    );
    assert_eq!(
        apply_mask(&["nested.child.title", "nested.title"], text),
        record(r#"{"nested": {"title": "t", "child": {"title": "u"}}}"#)
    );
    assert_eq!(apply_mask(&["nested.child.title"], r#"{"nested": {"title": "t"}}"#), record(r#"{"nested": {}}"#));
    assert_eq!(apply_mask(&["nested.child.title", "choice_string"], r#"{"choiceInt64": 3}"#), record("{}"));
    assert!(shapes().get(nested()).by_name("rating").is_some());
}

proptest::proptest! {
    #[test]
    fn a_mask_of_whole_fields_keeps_exactly_these(whole in random_record(everything()), seed in 0_usize..7) {
        let included: Vec<_> = shapes().get(everything()).iter().skip(seed).step_by(7).collect();
        let paths: Vec<String> = included.iter().map(|(_, field)| field.json_name.clone()).collect();
        let mask = ReadMask::parse(shapes(), everything(), &paths).unwrap();
        let mut masked = whole.clone();
        mask.apply(shapes(), everything(), &mut masked);
        for (field, _) in shapes().get(everything()).iter() {
            let is_included = included.iter().any(|(id, _)| *id == field);
            proptest::prop_assert_eq!(masked.get(field), whole.get(field).filter(|_| is_included));
        }
        let once = masked.clone();
        mask.apply(shapes(), everything(), &mut masked);
        proptest::prop_assert_eq!(masked, once);
    }
}
