//! `ListRevisions`: lists revisions in pages, newest first.

use crate::service::Schema;
use crate::store::revisions;
use groundplan_error::{Error, Reason};
use groundplan_proto::schema::v1::{ListRevisionsRequest, ListRevisionsResponse};

const DEFAULT_PAGE: i64 = 50;
const LARGEST_PAGE: i64 = 1_000;

pub(super) async fn list_revisions(
    schema: &Schema,
    request: ListRevisionsRequest,
) -> Result<ListRevisionsResponse, Error> {
    let size = match i64::from(request.page_size) {
        ..0 => return Err(Error::field("page_size", "int32.gte", "must not be negative")),
        0 => DEFAULT_PAGE,
        size => size.min(LARGEST_PAGE),
    };
    let before = match request.page_token.as_str() {
        "" => i64::MAX,
        token => open_page_token(schema, token)?,
    };
    // One more than the page size, to see whether there is a next page.
    let mut revisions_of_page =
        schema.query(async |connection| revisions::list(connection, before, size + 1).await).await?;
    let has_more = usize::try_from(size).is_ok_and(|size| {
        let has_more = revisions_of_page.len() > size;
        revisions_of_page.truncate(size);
        has_more
    });
    let last = revisions_of_page.last().filter(|_| has_more);
    Ok(ListRevisionsResponse {
        next_page_token: last.map(|last| seal_page_token(schema, last.number)).transpose()?.unwrap_or_default(),
        revisions: revisions_of_page.into_iter().map(Into::into).collect(),
    })
}

/// The scope of page tokens. All lists share one, since there is no filter and one order.
const ORIGIN: &[u8] = b"ListRevisions";

/// The maximum length of a page token.
const LONGEST_TOKEN: usize = 256;

/// Creates a page token from the number of the last revision of a page.
fn seal_page_token(schema: &Schema, last: i64) -> Result<String, Error> {
    schema.log.sealer().seal(ORIGIN, &last.to_be_bytes())
}

/// Returns the number in a page token; the next page starts after it.
fn open_page_token(schema: &Schema, token: &str) -> Result<i64, Error> {
    let sealed = Some(token).filter(|token| token.len() <= LONGEST_TOKEN);
    let number = sealed.and_then(|token| schema.log.sealer().open(ORIGIN, token));
    number.and_then(|number| Some(i64::from_be_bytes(number.try_into().ok()?))).ok_or_else(|| {
        let message =
            "the page token does not belong to this list; send the next_page_token of the previous page unchanged, or none";
        Error::new(Reason::PageTokenInvalid, message)
    })
}
