//! The `Link` header that leads to a list's next page (RFC 8288).

use crate::query::Query;
use crate::target::SEGMENT;
use http::header::HeaderValue;
use percent_encoding::utf8_percent_encode;

/// The longest value, in bytes: many clients reject longer lines. The body always has the token.
const MAX_LENGTH: usize = 8_000;

/// Returns the link to the next page; none if there is no next page, or if the link is too long.
///
/// It leaves out `skip`, which applies to one page (AIP-158).
pub(crate) fn to_next_page(path: &str, query: &Query, next_page_token: &str) -> Option<HeaderValue> {
    if next_page_token.is_empty() {
        return None;
    }
    let other_parameters = query.iter().filter(|(name, _)| !matches!(*name, "pageToken" | "skip"));
    let parameters: Vec<String> = other_parameters
        .chain([("pageToken", next_page_token)])
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    let link = format!("<{path}?{}>; rel=\"next\"", parameters.join("&"));
    HeaderValue::try_from(link).ok().filter(|link| link.len() <= MAX_LENGTH)
}

fn encoded(value: &str) -> String {
    utf8_percent_encode(value, SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["filter", "pageToken", "skip", "pageSize"];

    fn link(query: &str, token: &str) -> Option<String> {
        let query = Query::parse(Some(query), KNOWN).unwrap();
        to_next_page("/api/v1/books", &query, token).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn next_page_keeps_the_query() {
        let next = link("filter=a+%3D%3D+%22%C3%BC%22&pageToken=old&skip=3&pageSize=2", "n-w_=").unwrap();
        assert_eq!(next, "</api/v1/books?filter=a%20%3D%3D%20%22%C3%BC%22&pageSize=2&pageToken=n-w_%3D>; rel=\"next\"");
    }

    #[test]
    fn no_link_without_next_page_or_capacity() {
        assert_eq!(link("pageSize=2", ""), None);
        assert_eq!(link(&format!("filter={}", "%22".repeat(4_000)), "next"), None);
    }
}
