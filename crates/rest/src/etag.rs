//! The conditional headers of RFC 9110: If-Match and If-None-Match.

use groundplan_error::{Error, Reason};
use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};

/// The etags in a conditional header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tags {
    /// `*`: any record.
    Any,
    /// Any of these, without their quotes.
    Of(Vec<String>),
}

impl Tags {
    /// Whether an etag matches.
    pub(crate) fn contain(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Of(tags) => tags.iter().any(|tag| tag == etag),
        }
    }

    /// The etag, if there is exactly one.
    pub(crate) fn only(&self) -> Option<&str> {
        match self {
            Self::Of(tags) => match tags.as_slice() {
                [tag] => Some(tag),
                _ => None,
            },
            Self::Any => None,
        }
    }
}

/// Reads If-Match. It compares strongly, so weak etags are rejected.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<Tags>, Error> {
    read(headers, &IF_MATCH, false)
}

/// Reads If-None-Match. It compares weakly: `W/` is ignored.
pub(crate) fn if_none_match(headers: &HeaderMap) -> Result<Option<Tags>, Error> {
    read(headers, &IF_NONE_MATCH, true)
}

fn read(headers: &HeaderMap, name: &HeaderName, weak_allowed: bool) -> Result<Option<Tags>, Error> {
    let mut any = false;
    let mut tags = Vec::new();
    let mut present = false;
    for line in headers.get_all(name) {
        present = true;
        let mut rest = line.to_str().map_err(|_invisible| malformed(name))?.trim_matches(SPACE);
        while !rest.is_empty() {
            let (tag, remaining) = next(rest).ok_or_else(|| malformed(name))?;
            match tag {
                Tag::Any => any = true,
                Tag::Weak(_) if !weak_allowed => return Err(weak_etag(name)),
                Tag::Weak(tag) | Tag::Strong(tag) => tags.push(tag.to_owned()),
            }
            let remaining = remaining.trim_start_matches(SPACE);
            rest = match remaining.strip_prefix(',') {
                Some(remaining) => remaining.trim_start_matches(SPACE),
                None if remaining.is_empty() => remaining,
                None => return Err(malformed(name)),
            };
        }
    }
    match (present, any, tags.is_empty()) {
        (false, ..) => Ok(None),
        (true, true, true) => Ok(Some(Tags::Any)),
        (true, false, false) => Ok(Some(Tags::Of(tags))),
        (true, ..) => Err(malformed(name)),
    }
}

const SPACE: [char; 2] = [' ', '\t'];

enum Tag<'a> {
    Any,
    Weak(&'a str),
    Strong(&'a str),
}

/// Splits off the first etag. Quotes are optional.
fn next(text: &str) -> Option<(Tag<'_>, &str)> {
    if let Some(remaining) = text.strip_prefix('*') {
        return Some((Tag::Any, remaining));
    }
    let (weak, text) = match text.strip_prefix("W/") {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (tag, remaining) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => text.split_at(text.find([',', ' ', '\t', '"']).unwrap_or(text.len())),
    };
    if tag.is_empty() {
        return None;
    }
    Some((if weak { Tag::Weak(tag) } else { Tag::Strong(tag) }, remaining))
}

fn malformed(name: &HeaderName) -> Error {
    let message =
        format!("{} must be * or a list of etags, each in double quotes, such as \"5f1d7a84c0e1\"", title(name));
    Error::new(Reason::EtagInvalid, message).with("header", title(name))
}

fn weak_etag(name: &HeaderName) -> Error {
    let message =
        format!("{} does not accept weak etags; send the ETag of a response unchanged, without W/", title(name));
    Error::new(Reason::EtagInvalid, message).with("header", title(name))
}

fn title(name: &HeaderName) -> &'static str {
    if *name == IF_MATCH { "If-Match" } else { "If-None-Match" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (IF_MATCH, HeaderValue::from_str(line).unwrap())).collect()
    }

    fn tags(lines: &[&str]) -> Option<Tags> {
        if_match(&headers(lines)).unwrap()
    }

    #[test]
    fn lists_span_lines() {
        assert_eq!(tags(&[]), None);
        assert_eq!(tags(&["*"]), Some(Tags::Any));
        assert_eq!(tags(&[r#""a""#]).unwrap().only(), Some("a"));
        assert_eq!(tags(&["a"]).unwrap().only(), Some("a"));
        let three = tags(&[r#" "a" ,"b,c""#, r#""d""#]).unwrap();
        assert_eq!(three, Tags::Of(vec!["a".into(), "b,c".into(), "d".into()]));
        assert_eq!(three.only(), None);
        assert!(three.contain("d") && !three.contain("c") && Tags::Any.contain("c"));
    }

    #[test]
    fn invalid_etags_are_rejected() {
        for bad in ["", " ", "\"", "\"\"", "\"a\" \"b\"", "\"a", ",", "*, \"a\"", "W/", "a b"] {
            let error = if_match(&headers(&[bad])).unwrap_err();
            assert_eq!(error.reason(), Reason::EtagInvalid, "{bad:?}");
        }
    }

    #[test]
    fn weak_etags_are_only_valid_in_if_none_match() {
        let error = if_match(&headers(&[r#""a", W/"b""#])).unwrap_err();
        assert!(error.message().contains("without W/"), "{error}");
        let mut map = HeaderMap::new();
        map.insert(IF_NONE_MATCH, HeaderValue::from_static(r#"W/"b""#));
        assert_eq!(if_none_match(&map).unwrap(), Some(Tags::Of(vec!["b".into()])));
    }
}
