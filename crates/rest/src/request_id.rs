//! The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), which identifies repeated calls.

use crate::parameter_errors::invalid_parameter;
use groundplan_error::Error;
use groundplan_operations::is_request_id;
use groundplan_operations::limits::MAX_REQUEST_ID;
use http::{HeaderMap, HeaderName, HeaderValue};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The name as in errors and in the OpenAPI document.
pub(crate) const NAME: &str = "Idempotency-Key";

/// Reads the key from the header; none if absent.
pub(crate) fn of_header(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut values = headers.get_all(HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => key(value).map(Some).ok_or_else(|| {
            wrong(NAME, "must be a string in double quotes of", ", such as \"8e03978e-40d5-43dd-bc93-6894a57f9324\"")
        }),
        (Some(_), Some(_)) => {
            Err(invalid_parameter(NAME, "request_id", "is given more than once; send one for each call"))
        }
    }
}

/// Checks an id from the query or the body. An empty id means absent.
pub(crate) fn check(name: &str, id: &str) -> Result<(), Error> {
    if id.is_empty() || is_request_id(id) { Ok(()) } else { Err(wrong(name, "must be", "")) }
}

fn wrong(name: &str, what: &str, example: &str) -> Error {
    invalid_parameter(name, "request_id", format!("{what} 1 to {MAX_REQUEST_ID} visible ASCII characters{example}"))
}

/// Removes the quotes. Many clients send none.
fn key(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?.trim_matches([' ', '\t']);
    let key = match text.strip_prefix('"') {
        None => text.to_owned(),
        Some(quoted) => unescaped(quoted.strip_suffix('"')?)?,
    };
    is_request_id(&key).then_some(key)
}

/// Unescapes a structured-field string (RFC 9651, 3.3.3): a backslash escapes a quote or a backslash.
fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '"' => return None,
            '\\' => letters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?,
            letter => letter,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, String> {
        let value = |text: &&str| (HEADER, HeaderValue::from_bytes(text.as_bytes()).unwrap());
        of_header(&values.iter().map(value).collect()).map_err(|error| error.message().into_owned())
    }

    #[test]
    fn keys_are_quoted_or_bare() {
        assert_eq!(read(&[]), Ok(None));
        for (text, expected) in
            [(r#""a-b""#, "a-b"), ("a-b", "a-b"), (r#" "a" "#, "a"), (r#""a\"\\b""#, r#"a"\b"#), (r"a\b", r"a\b")]
        {
            assert_eq!(read(&[text]), Ok(Some(expected.to_owned())), "{text}");
        }
        let longest = "x".repeat(MAX_REQUEST_ID);
        assert_eq!(read(&[&longest]), Ok(Some(longest.clone())));
        assert_eq!(read(&[&format!("\"{longest}\"")]), Ok(Some(longest)));
    }

    #[test]
    fn invalid_keys_are_rejected() {
        let long = "x".repeat(MAX_REQUEST_ID + 1);
        let quoted = format!("\"{long}\"");
        for bad in [
            "",
            " ",
            "\"\"",
            "\"",
            "\"a",
            "\"a\"b",
            "\"a\";b=1",
            r#""a\""#,
            r#""a\b""#,
            "a b",
            "\"a b\"",
            "ü",
            &long,
            &quoted,
        ] {
            let message = read(&[bad]).unwrap_err();
            assert!(
                message.starts_with("\"Idempotency-Key\" must be a string in double quotes of 1 to 128 visible"),
                "{bad}: {message}"
            );
        }
        assert!(read(&["a", "a"]).unwrap_err().ends_with("more than once; send one for each call"));
        assert!(check("requestId", "").is_ok() && check("requestId", "a!~").is_ok());
        let message = check("requestId", "a b").unwrap_err().message().into_owned();
        assert_eq!(message, "\"requestId\" must be 1 to 128 visible ASCII characters");
    }
}
