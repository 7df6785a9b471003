//! Tests of reading bodies.

use super::*;
use crate::enum_params::FUNCTION;

const KNOWN: &[&str] = &["filter", "groupBy", "allowScan", "aggregations"];

fn sentence(body: &str, read: impl FnOnce(&mut Input) -> Result<(), Error>) -> String {
    let error = Input::parse(body.as_bytes(), KNOWN).and_then(|mut input| read(&mut input)).unwrap_err();
    error.message().into_owned()
}

#[test]
fn values_are_read_by_type() {
    let body = r#"{"filter":"a \u00fc","group_by":["b",""],"allowScan":true,"aggregations":null}"#;
    let mut input = Input::parse(body.as_bytes(), KNOWN).unwrap();
    assert!(input.has("filter") && !input.has("aggregations"));
    assert_eq!(input.text("filter").unwrap(), "a ü");
    assert_eq!(input.texts("groupBy").unwrap(), ["b", ""]);
    assert!(input.flag("allowScan").unwrap());
    assert!(input.objects("aggregations", &[]).unwrap().is_empty());
    let mut empty = Input::parse(b"{}", KNOWN).unwrap();
    assert!(empty.text("filter").unwrap().is_empty() && !empty.flag("allowScan").unwrap());
    assert!(empty.names("filter").unwrap().is_empty() && empty.texts("groupBy").unwrap().is_empty());
}

#[test]
fn unknown_and_duplicate_keys_are_rejected() {
    let refused = |body: &str| sentence(body, |_| Ok(()));
    assert_eq!(refused(r#"{"fliter":""}"#), "\"fliter\" is not a known key; did you mean filter?");
    assert_eq!(
        refused(r#"{"zzzzzzzzzz":1}"#),
        "\"zzzzzzzzzz\" is not a known key; these are: filter, groupBy, allowScan, aggregations"
    );
    assert_eq!(refused(r#"{"filter":"","filter":null}"#), "\"filter\" is given more than once");
    assert_eq!(refused(r#"{"groupBy":[],"group_by":[]}"#), "\"group_by\" is given more than once");
    assert!(refused(r#"{"group_By":[]}"#).contains("did you mean groupBy?"));
    let long = format!(r#"{{"{}":1}}"#, "x".repeat(100_000));
    assert!(refused(&long).len() < 300);
}

#[test]
fn wrong_types_are_reported_with_their_path() {
    assert_eq!(
        sentence(r#"{"filter":1}"#, |i| i.text("filter").map(drop)),
        "\"filter\" must be a string, not a number"
    );
    let flag = sentence(r#"{"allowScan":"true"}"#, |input| input.flag("allowScan").map(drop));
    assert_eq!(flag, "\"allowScan\" must be true or false, not a string");
    let texts = sentence(r#"{"groupBy":["a",null]}"#, |input| input.texts("groupBy").map(drop));
    assert_eq!(texts, "\"groupBy[1]\" must be a string, not null");
    let list = sentence(r#"{"groupBy":"a"}"#, |input| input.texts("groupBy").map(drop));
    assert_eq!(list, "\"groupBy\" must be an array, not a string");
    let inner = |body: &str| {
        sentence(body, |input| {
            let mut objects = input.objects("aggregations", &["function", "field"])?;
            objects.iter_mut().try_for_each(|object| object.choice("function", &FUNCTION).map(drop))
        })
    };
    assert_eq!(inner(r#"{"aggregations":[{},1]}"#), "\"aggregations[1]\" must be an object, not a number");
    assert_eq!(
        inner(r#"{"aggregations":[{"feild":1}]}"#),
        "\"aggregations[0].feild\" is not a known key; did you mean field?"
    );
    for function in ["1", "null", "\"sum\"", "\"FUNCTION_UNSPECIFIED\"", "[]"] {
        let message = inner(&format!(r#"{{"aggregations":[{{"function":{function}}}]}}"#));
        assert_eq!(message, "\"aggregations[0].function\" must be one of COUNT, SUM, MIN, MAX, AVERAGE", "{function}");
    }
}

#[test]
fn other_bodies_are_malformed() {
    for (body, words) in [
        ("[]", "must be a JSON object, not an array"),
        ("null", "must be a JSON object, not null"),
        ("{", "is not valid JSON"),
        ("{} x", "is not valid JSON"),
        (r#"{"filter":"\ud800"}"#, "is not valid JSON"),
        (r#"{"\ud800":1}"#, "is not valid JSON"),
        (r#"{"filter":01}"#, "is not valid JSON"),
    ] {
        let read = Input::parse(body.as_bytes(), KNOWN).and_then(|mut input| input.text("filter"));
        let error = read.unwrap_err();
        assert_eq!(error.reason(), Reason::MalformedRequest, "{body}");
        assert!(error.message().contains(words), "{body}: {error}");
    }
    assert!(Input::parse("[".repeat(100_000).as_bytes(), KNOWN).is_err());
    assert!(Input::parse(b"{\"filter\":\"\xff\"}", KNOWN).is_err());
}
