//! Tests of update masks.

use super::{everything, id, nested, shapes};
use crate::mask::{UpdateMask, clear_input_only, clear_output_only};
use crate::{Record, json};
use groundplan_budget::Budget;

fn record(text: &str) -> Record {
    json::decode(shapes(), everything(), text.as_bytes(), &Budget::default()).unwrap().record
}

fn mask(paths: &[&str]) -> UpdateMask {
    parse(paths).unwrap()
}

fn parse(paths: &[&str]) -> Result<UpdateMask, String> {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    UpdateMask::parse(shapes(), everything(), &paths).map_err(|error| {
        assert_eq!((error.field.as_str(), error.rule), ("update_mask", "mask"));
        error.message
    })
}

fn applied(mask: &UpdateMask, base: &str, update: &str) -> Record {
    let mut base = record(base);
    mask.apply(shapes(), everything(), &mut base, record(update));
    base
}

#[test]
fn paths_are_read_by_both_names() {
    assert_eq!(mask(&["an_int32", "nested.child.title"]), mask(&["nested.child.title", "anInt32", "anInt32"]));
    assert_eq!(mask(&["*"]), UpdateMask::All);
    assert_eq!(mask(&[]), UpdateMask::Populated);
    assert_eq!(mask(&["id", "far"]), UpdateMask::from_fields(vec![id("far"), id("id"), id("far")]));
    assert_eq!(mask(&["nested", "nested.title"]), mask(&["nested"]));
}

#[test]
fn invalid_paths_are_rejected_with_an_explanation() {
    for (path, expected) in [
        ("nested.titel", "\"titel\" is not a field of every.v1.Nested; did you mean title?"),
        ("nesteds.title", "nesteds is a list"),
        ("labels.a", "labels is a map"),
        ("struct.a", "struct is free-form JSON"),
        ("value.a", "value is free-form JSON"),
        ("timestamp.seconds", "timestamp is a single value"),
        ("an_int32.x", "an_int32 is a single value"),
        ("nested.child.children.title", "children is a list"),
        ("", "\"\" is not a field"),
        ("nested.", "\"\" is not a field"),
        ("nested.*", "\"*\" is not a field"),
    ] {
        let message = parse(&[path]).unwrap_err();
        assert!(message.contains(expected), "{path}: {message}");
    }
    assert!(parse(&["*", "id"]).unwrap_err().contains("next to"));
    assert!(parse(&["id"; 1_001]).is_err());
    assert!(parse(&["id"; 1_000]).is_ok());
    assert!(parse(&["x".repeat(8_193).as_str()]).is_err());
}

#[test]
fn a_mask_copies_its_fields_and_clears_missing_ones() {
    let base = r#"{"id": "1", "aString": "a", "anInt32": 1, "strings": ["x"]}"#;
    let update = r#"{"aString": "b", "far": "f"}"#;
    let expected = record(r#"{"id": "1", "aString": "b", "anInt32": 1}"#);
    assert_eq!(applied(&mask(&["a_string", "strings"]), base, update), expected);
    let expected = record(r#"{"id": "1", "aString": "b", "anInt32": 1, "strings": ["x"], "far": "f"}"#);
    assert_eq!(applied(&UpdateMask::Populated, base, update), expected);
    assert_eq!(applied(&UpdateMask::All, base, update), record(update));
    assert_eq!(applied(&UpdateMask::from_fields(Vec::new()), base, update), record(base));
}

#[test]
fn nested_paths_create_messages_only_for_values() {
    let path = mask(&["nested.child.title"]);
    let update = r#"{"nested": {"rating": 1, "child": {"title": "t", "rating": 2}}}"#;
    assert_eq!(applied(&path, "{}", update), record(r#"{"nested": {"child": {"title": "t"}}}"#));
    assert_eq!(
        applied(&path, r#"{"nested": {"rating": 5}}"#, update),
        record(r#"{"nested": {"rating": 5, "child": {"title": "t"}}}"#)
    );
    assert_eq!(applied(&path, "{}", "{}"), record("{}"));
    assert_eq!(
        applied(&path, r#"{"nested": {"child": {"title": "a", "rating": 3}}}"#, "{}"),
        record(r#"{"nested": {"child": {"rating": 3}}}"#)
    );
}

#[test]
fn a_oneof_keeps_one_member() {
    let both = mask(&["choice_string", "choice_int64"]);
    let expected = record(r#"{"choiceInt64": 2}"#);
    assert_eq!(applied(&both, r#"{"choiceString": "a"}"#, r#"{"choiceInt64": 2}"#), expected);
    assert_eq!(applied(&mask(&["choice_int64"]), r#"{"choiceString": "a"}"#, r#"{"choiceInt64": 2}"#), expected);
    assert_eq!(applied(&mask(&["choice_int64"]), r#"{"choiceString": "a"}"#, "{}"), record(r#"{"choiceString": "a"}"#));
    let nested = mask(&["choice_nested.title"]);
    let expected = record(r#"{"choiceNested": {"title": "t"}}"#);
    assert_eq!(applied(&nested, r#"{"choiceString": "a"}"#, r#"{"choiceNested": {"title": "t"}}"#), expected);
}

#[test]
fn output_only_fields_stay() {
    let base =
        r#"{"nested": {"title": "a", "stamped": "was", "child": {"stamped": "inner"}}, "nesteds": [{"stamped": "x"}]}"#;
    let update = r#"{"nested": {"title": "b", "stamped": "forged", "child": {"title": "c", "stamped": "forged"}},
        "nesteds": [{"title": "d", "stamped": "forged"}], "byFixed32": {"1": {"stamped": "forged"}}}"#;
    let expected = record(
        r#"{"nested": {"title": "b", "stamped": "was", "child": {"title": "c", "stamped": "inner"}},
        "nesteds": [{"title": "d"}], "byFixed32": {"1": {}}}"#,
    );
    for mask in [UpdateMask::All, UpdateMask::Populated, mask(&["nested", "nesteds", "by_fixed32"])] {
        assert_eq!(applied(&mask, base, update), expected);
    }
    assert_eq!(applied(&mask(&["nested.stamped"]), base, update), record(base));
    let created = applied(&mask(&["nested"]), "{}", update);
    assert_eq!(created, record(r#"{"nested": {"title": "b", "child": {"title": "c"}}}"#));
}

#[test]
fn behaviors_are_cleared_at_every_depth() {
    let mut deep = record(
        r#"{"nested": {"secret": "s", "stamped": "t", "children": [{"secret": "s", "stamped": "t"}]},
        "byFixed32": {"1": {"secret": "s", "stamped": "t"}}}"#,
    );
    let mut other = deep.clone();
    clear_output_only(shapes(), everything(), &mut deep);
    let secret = r#"{"nested": {"secret": "s", "children": [{"secret": "s"}]}, "byFixed32": {"1": {"secret": "s"}}}"#;
    assert_eq!(deep, record(secret));
    clear_input_only(shapes(), everything(), &mut other);
    assert_eq!(other, record(&secret.replace("secret", "stamped").replace("\"s\"", "\"t\"")));
    assert!(shapes().get(nested()).by_name("secret").is_some());
}
