//! Errors for parameters and keys. Their messages quote the name as the client wrote it, and do not capitalize it.

use groundplan_error::{Error, Reason, Violation};
use std::borrow::Cow;

/// Returns the violation of a parameter or key.
pub(crate) fn violation(
    name: impl Into<String>,
    rule: impl Into<Cow<'static, str>>,
    description: impl Into<String>,
) -> Violation {
    Violation { field: name.into(), description: description.into(), rule: rule.into() }
}

/// Returns the error for one parameter or key.
pub(crate) fn invalid_parameter(
    name: impl Into<String>,
    rule: impl Into<Cow<'static, str>>,
    description: impl Into<String>,
) -> Error {
    invalid_parameters(vec![violation(name, rule, description)])
}

/// Returns the error for several parameters or keys. The message is that of the first violation.
pub(crate) fn invalid_parameters(violations: Vec<Violation>) -> Error {
    let first = violations.first().map(|first| format!("{:?} {}", first.field, first.description));
    violations.into_iter().fold(Error::new(Reason::InvalidFields, first.unwrap_or_default()), Error::with_violation)
}

/// Replaces the names of the gRPC request in an error of the backend with the `names` of REST.
pub(crate) fn with_rest_names(error: Error, names: &[&str]) -> Error {
    let typed = |field: &str| {
        let (first, rest) = field.split_at(field.find(['.', '[']).unwrap_or(field.len()));
        let name = names.iter().find(|name| plain(name) == plain(first))?;
        Some(format!("{name}{rest}"))
    };
    let violations = error.violations().iter().map(|violation| {
        let field = typed(&violation.field)?;
        Some(Violation { field, ..violation.clone() })
    });
    match violations.collect::<Option<Vec<_>>>() {
        Some(violations) if error.reason() == Reason::InvalidFields && !violations.is_empty() => {
            invalid_parameters(violations).caused_by(error)
        }
        _ => error,
    }
}

/// A name without case and underscores, to compare snake_case with lowerCamel.
fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

/// Splits comma-separated names; none if the text is empty.
pub(crate) fn split_names(parameter: &str, text: &str) -> Result<Vec<String>, Error> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = text.split(',').map(str::to_owned).collect();
    match names.iter().any(String::is_empty) {
        true => {
            let description = "has an empty path: remove the extra comma";
            Err(invalid_parameter(parameter, "empty_path", description))
        }
        false => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::{split_names, with_rest_names};
    use groundplan_error::{Error, Reason};

    #[test]
    fn names_of_grpc_become_those_of_rest() {
        let error = with_rest_names(Error::field("read_mask", "mask", "has a wrong path"), &["filter", "readMask"]);
        assert_eq!(error.message(), "\"readMask\" has a wrong path");
        assert_eq!((error.violations()[0].field.as_str(), error.violations().len()), ("readMask", 1));
        let inside = with_rest_names(Error::field("group_by[1].x", "r", "is wrong"), &["groupBy"]);
        assert_eq!(inside.message(), "\"groupBy[1].x\" is wrong");
        let other = with_rest_names(Error::field("etag", "r", "is wrong"), &["groupBy"]);
        assert_eq!(other.message(), "Etag is wrong");
        assert_eq!(with_rest_names(Error::new(Reason::FilterInvalid, "no"), &["filter"]).message(), "no");
    }

    #[test]
    fn empty_paths_are_rejected() {
        assert_eq!(split_names("readMask", "a,b.c").unwrap(), ["a", "b.c"]);
        assert!(split_names("readMask", "").unwrap().is_empty());
        for text in [",", "a,", ",a", "a,,b"] {
            let error = split_names("readMask", text).unwrap_err();
            assert!(error.message().starts_with("\"readMask\" has an empty path"), "{error}");
        }
    }
}
