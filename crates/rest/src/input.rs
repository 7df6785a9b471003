//! The body of a query: a JSON object that is read key by key, so that a refusal has the path of what it is about.

mod tree;

use crate::choices::Choices;
use crate::wording::{self, refusal, refused, violation};
use groundplan_codec::{shown, suggestion};
use groundplan_error::{Error, Reason};
use tree::Tree;

/// The members of an object, all of them known and each at most once. `null` is the same as leaving one out.
#[derive(Debug)]
pub(crate) struct Input {
    /// What leads to the object, with a `.` at its end; empty for the body itself.
    path: String,
    members: Vec<(&'static str, Tree)>,
}

impl Input {
    /// Reads a body. Keys other than `known` are refused by name, all at once; `snake_case` is understood as well.
    pub(crate) fn parse(body: &[u8], known: &[&'static str]) -> Result<Self, Error> {
        match tree::parse(body)? {
            Tree::Object(members) => Self::new(String::new(), members, known),
            other => Err(Error::new(
                Reason::MalformedRequest,
                format!("the body must be a JSON object, not {}", other.kind()),
            )),
        }
    }

    fn new(path: String, given: Vec<(String, Tree)>, known: &[&'static str]) -> Result<Self, Error> {
        let mut members: Vec<(&'static str, Tree)> = Vec::new();
        let mut violations = Vec::new();
        for (key, value) in given {
            let at = format!("{path}{}", shown(&key));
            let Some(name) = known.iter().find(|name| **name == key || is_snake_of(&key, name)) else {
                let suggestion = match suggestion(&key, known.iter().copied()) {
                    none if none.is_empty() => format!("; these are: {}", known.join(", ")),
                    some => some,
                };
                violations.push(violation(at, "unknown_field", format!("is not a key here{suggestion}")));
                continue;
            };
            if members.iter().any(|(other, _)| other == name) {
                violations.push(violation(at, "duplicate", "is given more than once"));
            } else {
                members.push((name, value));
            }
        }
        if violations.is_empty() { Ok(Self { path, members }) } else { Err(refusal(violations)) }
    }

    /// Whether a key is there, and not `null`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(other, value)| *other == name && !matches!(value, Tree::Null))
    }

    /// What stands in front of a field's name in refusals.
    pub(crate) fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// A string; empty if it is not there.
    pub(crate) fn text(&mut self, name: &str) -> Result<String, Error> {
        match self.take(name) {
            None => Ok(String::new()),
            Some(Tree::String(text)) => Ok(text),
            Some(other) => Err(self.wrong(name, "a string", &other)),
        }
    }

    /// Names with commas between them, such as a FieldMask; none if it is not there or empty.
    pub(crate) fn names(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let text = self.text(name)?;
        wording::names(&self.path_of(name), &text)
    }

    /// Yes or no; no if it is not there.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Error> {
        match self.take(name) {
            None => Ok(false),
            Some(Tree::Bool(flag)) => Ok(flag),
            Some(other) => Err(self.wrong(name, "true or false", &other)),
        }
    }

    /// One of several names, which must be there.
    pub(crate) fn choice<T: Copy>(&mut self, name: &str, choices: &Choices<T>) -> Result<T, Error> {
        match self.take(name) {
            Some(Tree::String(text)) => choices.find(&self.path_of(name), &text),
            _ => Err(choices.refusal(&self.path_of(name))),
        }
    }

    /// A list of strings; empty if it is not there.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let items = self.list(name)?;
        let text = |(at, value): (usize, Tree)| match value {
            Tree::String(text) => Ok(text),
            other => Err(self.wrong(&format!("{name}[{at}]"), "a string", &other)),
        };
        items.into_iter().enumerate().map(text).collect()
    }

    /// A list of objects with these keys; empty if it is not there.
    pub(crate) fn objects(&mut self, name: &str, known: &[&'static str]) -> Result<Vec<Self>, Error> {
        let items = self.list(name)?;
        let object = |(at, value): (usize, Tree)| match value {
            Tree::Object(members) => Self::new(format!("{}[{at}].", self.path_of(name)), members, known),
            other => Err(self.wrong(&format!("{name}[{at}]"), "an object", &other)),
        };
        items.into_iter().enumerate().map(object).collect()
    }

    fn list(&mut self, name: &str) -> Result<Vec<Tree>, Error> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Tree::Array(items)) => Ok(items),
            Some(other) => Err(self.wrong(name, "an array", &other)),
        }
    }

    fn take(&mut self, name: &str) -> Option<Tree> {
        let at = self.members.iter().position(|(other, _)| *other == name)?;
        match self.members.swap_remove(at).1 {
            Tree::Null => None,
            value => Some(value),
        }
    }

    fn wrong(&self, name: &str, expected: &str, found: &Tree) -> Error {
        refused(self.path_of(name), "json_type", format!("must be {expected}, not {}", found.kind()))
    }
}

/// Whether a key is the name that the field has in the `.proto`: `group_by` for `groupBy`.
fn is_snake_of(key: &str, name: &str) -> bool {
    let mut key = key.chars();
    name.chars().all(|letter| {
        if letter.is_ascii_uppercase() {
            key.next() == Some('_') && key.next() == Some(letter.to_ascii_lowercase())
        } else {
            key.next() == Some(letter)
        }
    }) && key.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::FUNCTION;

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
    fn keys_are_known_and_given_once() {
        let refused = |body: &str| sentence(body, |_| Ok(()));
        assert_eq!(refused(r#"{"fliter":""}"#), "\"fliter\" is not a key here; did you mean filter?");
        assert_eq!(
            refused(r#"{"zzzzzzzzzz":1}"#),
            "\"zzzzzzzzzz\" is not a key here; these are: filter, groupBy, allowScan, aggregations"
        );
        assert_eq!(refused(r#"{"filter":"","filter":null}"#), "\"filter\" is given more than once");
        assert_eq!(refused(r#"{"groupBy":[],"group_by":[]}"#), "\"group_by\" is given more than once");
        assert!(refused(r#"{"group_By":[]}"#).contains("did you mean groupBy?"));
        let long = format!(r#"{{"{}":1}}"#, "x".repeat(100_000));
        assert!(refused(&long).len() < 300);
    }

    #[test]
    fn types_are_named_by_their_path() {
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
            "\"aggregations[0].feild\" is not a key here; did you mean field?"
        );
        for function in ["1", "null", "\"sum\"", "\"FUNCTION_UNSPECIFIED\"", "[]"] {
            let message = inner(&format!(r#"{{"aggregations":[{{"function":{function}}}]}}"#));
            assert_eq!(
                message, "\"aggregations[0].function\" must be one of COUNT, SUM, MIN, MAX, AVERAGE",
                "{function}"
            );
        }
    }

    #[test]
    fn other_bodies_are_malformed() {
        for (body, words) in [
            ("[]", "must be a JSON object, not an array"),
            ("null", "must be a JSON object, not null"),
            ("{", "is not JSON"),
            ("{} x", "is not JSON"),
            (r#"{"filter":"\ud800"}"#, "is not JSON"),
            (r#"{"filter":1e400}"#, "is not JSON"),
        ] {
            let error = Input::parse(body.as_bytes(), KNOWN).unwrap_err();
            assert_eq!(error.reason(), Reason::MalformedRequest, "{body}");
            assert!(error.message().contains(words), "{body}: {error}");
        }
        assert!(Input::parse("[".repeat(100_000).as_bytes(), KNOWN).is_err());
        assert!(Input::parse(b"{\"filter\":\"\xff\"}", KNOWN).is_err());
    }
}
