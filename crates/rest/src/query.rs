//! Query parameters: strict, so that a misspelt one is an error and not another result.

use groundplan_error::{Error, Reason, Violation};
use percent_encoding::percent_decode;
use std::borrow::Cow;

/// From this likeness on, a name is probably a misspelling of another.
const LIKE: f64 = 0.5;

/// The parameters of a request, all of them known and each at most once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what is behind the `?`. Parameters other than `known` are refused by name, all at once.
    pub(crate) fn parse(text: Option<&str>, known: &[&str]) -> Result<Self, Error> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        let mut violations = Vec::new();
        for pair in text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !known.contains(&name.as_str()) {
                violations.push(unknown(name, known));
            } else if parameters.iter().any(|(other, _)| *other == name) {
                violations.push(violation(name, "repeated_parameter", "is given more than once"));
            } else {
                parameters.push((name, value));
            }
        }
        if violations.is_empty() { Ok(Self(parameters)) } else { Err(Error::invalid(violations)) }
    }

    /// The value of a parameter, if it is given.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A count: a number that is not negative, or 0 if it is not given.
    pub(crate) fn count(&self, name: &str) -> Result<i32, Error> {
        let Some(text) = self.get(name) else { return Ok(0) };
        match text.parse::<i32>() {
            Ok(count) if count >= 0 => Ok(count),
            _ => Err(Error::field(name, "integer", format!("must be an integer from 0 to {}", i32::MAX))),
        }
    }
}

fn unknown(name: String, known: &[&str]) -> Violation {
    let plain = |name: &str| name.replace(['_', '-'], "").to_lowercase();
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(&plain(&name), &plain(other));
    let nearest = known.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    let way_out = match nearest {
        Some(nearest) if likeness(nearest) >= LIKE => format!("the nearest is {nearest}"),
        Some(_) => format!("these are: {}", known.join(", ")),
        None => "there are none".to_owned(),
    };
    violation(name, "unknown_parameter", format!("is not a query parameter here; {way_out}"))
}

fn violation(field: String, rule: &'static str, description: impl Into<String>) -> Violation {
    Violation { field, description: description.into(), rule: Cow::Borrowed(rule) }
}

fn decode(text: &str) -> Result<String, Error> {
    let spaced: Vec<u8> = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    let decoded = percent_decode(&spaced).decode_utf8().map_err(|_invalid| {
        Error::new(Reason::MalformedRequest, format!("{text:?} in the query is not UTF-8 behind its percent signs"))
    })?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["pageSize", "pageToken"];

    fn sentences(text: &str, known: &[&str]) -> Vec<String> {
        Query::parse(Some(text), known).unwrap_err().violations().iter().map(Violation::sentence).collect()
    }

    #[test]
    fn values_are_decoded() {
        let query = Query::parse(Some("pageSize=10&&pageToken=a%2Bb+c%26"), KNOWN).unwrap();
        assert_eq!(query.count("pageSize").unwrap(), 10);
        assert_eq!(query.get("pageToken"), Some("a+b c&"));
        assert_eq!(Query::parse(None, KNOWN).unwrap().count("pageSize").unwrap(), 0);
        assert_eq!(Query::parse(Some(""), &[]).unwrap(), Query::default());
    }

    #[test]
    fn unknown_and_repeated_parameters_are_refused_by_name() {
        assert_eq!(
            sentences("page_token=a&pageSize=1&pageSize=1&x", KNOWN),
            [
                "Page_token is not a query parameter here; the nearest is pageToken",
                "PageSize is given more than once",
                "X is not a query parameter here; these are: pageSize, pageToken",
            ]
        );
        assert_eq!(sentences("strict=no", &[]), ["Strict is not a query parameter here; there are none"]);
    }

    #[test]
    fn a_count_is_a_number() {
        for bad in ["", "-1", "1.5", "ten", "2147483648", "99999999999999999999"] {
            let query = Query::parse(Some(&format!("pageSize={bad}")), KNOWN).unwrap();
            let message = query.count("pageSize").unwrap_err().message().into_owned();
            assert_eq!(message, "PageSize must be an integer from 0 to 2147483647", "{bad}");
        }
    }

    #[test]
    fn invalid_utf8_is_malformed() {
        assert_eq!(Query::parse(Some("pageToken=%ff"), KNOWN).unwrap_err().reason(), Reason::MalformedRequest);
    }
}
