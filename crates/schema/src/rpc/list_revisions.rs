//! `ListRevisions`: newest first, page by page.

use crate::convert;
use crate::service::Schema;
use crate::store::revisions;
use groundplan_error::{Error, Reason};
use groundplan_proto::schema::v1::{ListRevisionsRequest, ListRevisionsResponse};

const DEFAULT_PAGE: i64 = 50;
const LARGEST_PAGE: i64 = 1_000;

pub(super) async fn run(schema: &Schema, request: ListRevisionsRequest) -> Result<ListRevisionsResponse, Error> {
    let size = match i64::from(request.page_size) {
        ..0 => return Err(Error::field("page_size", "int32.gte", "must not be negative")),
        0 => DEFAULT_PAGE,
        size => size.min(LARGEST_PAGE),
    };
    let before = match request.page_token.as_str() {
        "" => i64::MAX,
        token => last_of_page(token)?,
    };
    // One more than fits, to see whether there is a next page.
    let mut found = schema.query(async |connection| revisions::list(connection, before, size + 1).await).await?;
    let more = usize::try_from(size).is_ok_and(|size| {
        let more = found.len() > size;
        found.truncate(size);
        more
    });
    let last = found.last().filter(|_| more);
    Ok(ListRevisionsResponse {
        next_page_token: last.map(|last| page_token(last.number)).unwrap_or_default(),
        revisions: found.into_iter().map(convert::summary).collect(),
    })
}

/// Names the last revision of a page. The order never changes, so that is all a token must know.
fn page_token(last: i64) -> String {
    format!("r{last:x}")
}

/// The revision that a token names; the page begins behind it.
fn last_of_page(token: &str) -> Result<i64, Error> {
    let number = token.strip_prefix('r').and_then(|hexadecimal| i64::from_str_radix(hexadecimal, 16).ok());
    number.filter(|&number| number > 0 && page_token(number) == token).ok_or_else(|| {
        Error::new(Reason::PageTokenInvalid, "the page token is not from this list; start again without one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_back() {
        for number in [1, 15, 16, i64::MAX] {
            assert_eq!(last_of_page(&page_token(number)).unwrap(), number);
        }
    }

    #[test]
    fn nothing_else_is_a_token() {
        for token in ["1", "r", "r0", "r-1", "r+1", "r01", "rA", "r1 ", "r8000000000000000", "é", "rg"] {
            assert_eq!(last_of_page(token).unwrap_err().reason(), Reason::PageTokenInvalid, "{token}");
        }
    }
}
