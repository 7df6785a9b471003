//! Query parameters. Unknown parameters are errors, so that a misspelled one does not change the result silently.

use crate::enum_params::EnumParam;
use crate::input::is_proto_name_of;
use crate::limits::MAX_SUGGESTIONS;
use crate::parameter_errors::{self, invalid_parameter, invalid_parameters, violation};
use groundplan_codec::shorten_name;
use groundplan_error::{Error, MAX_VIOLATIONS, Reason, Violation};
use groundplan_operations::View;
use percent_encoding::percent_decode;

/// The similarity from which a name is probably a misspelling of another.
const MIN_SIMILARITY: f64 = 0.5;

/// The longest name to compare, in bytes: the cost is the product of the lengths.
const MAX_COMPARED_LENGTH: usize = 64;

/// The parameters of a request: each is known and unique.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses a query string. The error lists all unknown parameters.
    pub(crate) fn parse(text: Option<&str>, known: &[&str]) -> Result<Self, Error> {
        Self::parse_with_body(text, known, |_| None)
    }

    /// Does the same for a request with a body. `hint` returns the hint for a parameter that belongs in the body.
    pub(crate) fn parse_with_body(
        text: Option<&str>,
        known: &[&str],
        hint: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        let mut violations = Vec::new();
        for pair in text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if violations.len() > MAX_VIOLATIONS {
                break;
            }
            if !known.contains(&name.as_str()) {
                violations.push(match hint(&name) {
                    Some(hint) => misplaced(name, &hint),
                    None => unknown(name, known, violations.len() < MAX_SUGGESTIONS),
                });
            } else if parameters.iter().any(|(other, _)| *other == name) {
                violations.push(violation(name, "repeated_parameter", "is given more than once"));
            } else {
                parameters.push((name, value));
            }
        }
        if violations.is_empty() { Ok(Self(parameters)) } else { Err(invalid_parameters(violations)) }
    }

    /// The value of a parameter, if present.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter as text; empty if absent.
    pub(crate) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    /// Comma-separated names; none if absent or empty.
    pub(crate) fn names(&self, name: &str) -> Result<Vec<String>, Error> {
        parameter_errors::split_names(name, self.get(name).unwrap_or_default())
    }

    /// A bool; false if absent.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Error> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(invalid_parameter(name, "boolean", "must be true or false")),
        }
    }

    /// An enum; the default if absent.
    pub(crate) fn choice<T: Copy + Default>(&self, name: &str, param: &EnumParam<T>) -> Result<T, Error> {
        self.get(name).map_or(Ok(T::default()), |text| param.parse(name, text))
    }

    /// The parameters `readMask` and `expand`.
    pub(crate) fn view(&self) -> Result<View, Error> {
        Ok(View { read_mask: self.names("readMask")?, expand: self.names("expand")? })
    }

    /// All parameters, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A non-negative number; 0 if absent.
    pub(crate) fn number(&self, name: &str) -> Result<i32, Error> {
        let Some(text) = self.get(name) else { return Ok(0) };
        match text.parse::<i32>() {
            Ok(count) if count >= 0 => Ok(count),
            _ => Err(invalid_parameter(name, "integer", format!("must be an integer from 0 to {}", i32::MAX))),
        }
    }
}

/// The hint for a parameter that is a key of the body, in snake_case or lowerCamel.
pub(crate) fn body_key_hint(keys: &[&str], name: &str) -> Option<String> {
    let key = keys.iter().find(|key| **key == name || is_proto_name_of(name, key))?;
    Some(format!("send it in the body, as its key {key}"))
}

fn misplaced(name: String, hint: &str) -> Violation {
    violation(name, "misplaced_parameter", format!("is not a query parameter here; {hint}"))
}

/// The violation for an unknown name. It suggests the nearest known name if `is_compared`.
fn unknown(name: String, known: &[&str], is_compared: bool) -> Violation {
    let normalized = |name: &str| name.replace(['_', '-'], "").to_lowercase();
    let similarity = |other: &str| strsim::normalized_damerau_levenshtein(&normalized(&name), &normalized(other));
    let nearest = known
        .iter()
        .filter(|_| is_compared && name.len() <= MAX_COMPARED_LENGTH)
        .max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
    let suggestion = match nearest {
        Some(nearest) if similarity(nearest) >= MIN_SIMILARITY => format!("the nearest is {nearest}"),
        None if known.is_empty() => "there are none".to_owned(),
        _ => format!("these are: {}", known.join(", ")),
    };
    let name = shorten_name(&name).into_owned();
    violation(name, "unknown_parameter", format!("is not a query parameter here; {suggestion}"))
}

fn decode(text: &str) -> Result<String, Error> {
    let spaced: Vec<u8> = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    let decoded = percent_decode(&spaced).decode_utf8().map_err(|_invalid| {
        Error::new(Reason::MalformedRequest, format!("{text:?} in the query is not UTF-8 after percent-decoding"))
    })?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["pageSize", "pageToken"];

    fn sentences(text: &str, known: &[&str]) -> Vec<String> {
        let error = Query::parse(Some(text), known).unwrap_err();
        let sentences: Vec<String> =
            error.violations().iter().map(|found| format!("{:?} {}", found.field, found.description)).collect();
        assert_eq!(error.message(), sentences[0]);
        sentences
    }

    #[test]
    fn values_are_decoded() {
        let query = Query::parse(Some("pageSize=10&&pageToken=a%2Bb+c%26"), KNOWN).unwrap();
        assert_eq!(query.number("pageSize").unwrap(), 10);
        assert_eq!(query.get("pageToken"), Some("a+b c&"));
        assert_eq!(Query::parse(None, KNOWN).unwrap().number("pageSize").unwrap(), 0);
        assert_eq!(Query::parse(Some(""), &[]).unwrap(), Query::default());
    }

    #[test]
    fn unknown_and_repeated_parameters_are_rejected_by_name() {
        assert_eq!(
            sentences("page_token=a&pageSize=1&pageSize=1&x", KNOWN),
            [
                "\"page_token\" is not a query parameter here; the nearest is pageToken",
                "\"pageSize\" is given more than once",
                "\"x\" is not a query parameter here; these are: pageSize, pageToken",
            ]
        );
        assert_eq!(sentences("strict=no", &[]), ["\"strict\" is not a query parameter here; there are none"]);
    }

    #[test]
    fn unknown_parameters_are_reported_up_to_the_limit() {
        let many: String = (0..10_000).map(|at| format!("pagesize{at}=&")).collect();
        let error = Query::parse(Some(&many), KNOWN).unwrap_err();
        // One more than the response includes, to report that there are more.
        assert_eq!(error.violations().len(), MAX_VIOLATIONS + 1);
        let compared = error.violations().iter().filter(|found| found.description.contains("the nearest is"));
        assert_eq!(compared.count(), MAX_SUGGESTIONS);
        // Names that are too long are not compared.
        let long = format!("pageSize{}", "e".repeat(MAX_COMPARED_LENGTH));
        assert!(sentences(&long, KNOWN)[0].ends_with("these are: pageSize, pageToken"));
    }

    #[test]
    fn body_keys_in_the_query_are_rejected_with_a_hint() {
        let sentence = |text: &str| {
            let hint = |name: &str| body_key_hint(&["requests", "validateOnly"], name);
            Query::parse_with_body(Some(text), &[], hint).unwrap_err().message().into_owned()
        };
        for name in ["validateOnly", "validate_only"] {
            let expected =
                format!("{name:?} is not a query parameter here; send it in the body, as its key validateOnly");
            assert_eq!(sentence(&format!("{name}=true")), expected);
        }
        assert_eq!(sentence("validateonly=true"), "\"validateonly\" is not a query parameter here; there are none");
    }

    #[test]
    fn numbers_are_not_negative() {
        for bad in ["", "-1", "1.5", "ten", "2147483648", "99999999999999999999"] {
            let query = Query::parse(Some(&format!("pageSize={bad}")), KNOWN).unwrap();
            let message = query.number("pageSize").unwrap_err().message().into_owned();
            assert_eq!(message, "\"pageSize\" must be an integer from 0 to 2147483647", "{bad}");
        }
    }

    #[test]
    fn flags_names_and_choices() {
        let known = &["flag", "names", "choice"];
        let query = |text: &str| Query::parse(Some(text), known).unwrap();
        assert!(query("flag=true").flag("flag").unwrap());
        assert!(!query("flag=false").flag("flag").unwrap() && !query("").flag("flag").unwrap());
        for bad in ["flag", "flag=", "flag=1", "flag=TRUE", "flag=true "] {
            assert_eq!(query(bad).flag("flag").unwrap_err().message(), "\"flag\" must be true or false", "{bad}");
        }
        assert_eq!(query("names=a,b.c").names("names").unwrap(), ["a", "b.c"]);
        assert_eq!(query("names=a%2Cb").names("names").unwrap(), ["a", "b"]);
        for none in ["names=", ""] {
            assert!(query(none).names("names").unwrap().is_empty());
        }
        assert!(query("names=,").names("names").is_err());
        let choices = EnumParam(&[("ONE", "NUMBER_ONE", 1), ("TWO", "NUMBER_TWO", 2)]);
        assert_eq!(query("choice=NUMBER_TWO").choice("choice", &choices).unwrap(), 2);
        assert_eq!(query("").choice("choice", &choices).unwrap(), 0);
        let refused = query("choice=").choice("choice", &choices).unwrap_err();
        assert_eq!(refused.message(), "\"choice\" must be one of ONE, TWO");
    }

    #[test]
    fn long_names_are_shortened_and_not_compared() {
        let long = "x".repeat(100_000);
        let sentence = sentences(&long, KNOWN).remove(0);
        assert!(sentence.len() < 200 && sentence.ends_with("these are: pageSize, pageToken"), "{sentence}");
    }

    #[test]
    fn invalid_utf8_is_malformed() {
        assert_eq!(Query::parse(Some("pageToken=%ff"), KNOWN).unwrap_err().reason(), Reason::MalformedRequest);
    }
}
