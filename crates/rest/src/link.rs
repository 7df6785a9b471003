//! The `Link` header that leads to a list's next page (RFC 8288).

use crate::query::Query;
use crate::target::SEGMENT;
use http::header::HeaderValue;
use percent_encoding::utf8_percent_encode;

/// The longest value: many clients take no longer lines. The token is in the body all the same.
const LONGEST: usize = 8_000;

/// The same list, one page on; none if there is no next page, or if the link would be too long.
///
/// `skip` is about one page (AIP-158), so that the next one goes without.
pub(crate) fn to_next_page(path: &str, query: &Query, next_page_token: &str) -> Option<HeaderValue> {
    if next_page_token.is_empty() {
        return None;
    }
    let kept = query.iter().filter(|(name, _)| !matches!(*name, "pageToken" | "skip"));
    let parameters: Vec<String> = kept
        .chain([("pageToken", next_page_token)])
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    let link = format!("<{path}?{}>; rel=\"next\"", parameters.join("&"));
    HeaderValue::try_from(link).ok().filter(|link| link.len() <= LONGEST)
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
    fn the_same_query_with_the_new_token() {
        let next = link("filter=a+%3D%3D+%22%C3%BC%22&pageToken=old&skip=3&pageSize=2", "n-w_=").unwrap();
        assert_eq!(next, "</api/v1/books?filter=a%20%3D%3D%20%22%C3%BC%22&pageSize=2&pageToken=n-w_%3D>; rel=\"next\"");
    }

    #[test]
    fn no_page_or_no_room_is_no_link() {
        assert_eq!(link("pageSize=2", ""), None);
        assert_eq!(link(&format!("filter={}", "%22".repeat(4_000)), "next"), None);
    }
}
