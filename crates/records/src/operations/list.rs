//! List: the records that match, in order, page by page.

mod reading;
mod related;

pub(crate) use reading::Reading;
pub(crate) use related::{list_related, related_token};

use super::streamed::{FRAME_BYTES, MAX_ANSWER_BYTES};
use super::{Call, expand};
use crate::query::{Parent, Plan};
use bytes::Bytes;
use groundplan_codec::{Stored, wire};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use groundplan_proto::query::v1::Count;
use groundplan_rest::{ListQuery, Page, Total};

/// How many rows are read first, while nothing is known of their size: enough for a page of the default size.
const FIRST_ROWS: usize = 64;

/// Reads a page of a model's records, or of those that refer to a parent.
pub(crate) async fn list(call: &Call<'_>, query: &ListQuery, parent: Option<&Parent>) -> Result<Page, Error> {
    let reading = Reading::begin(call, query, parent)?;
    reading.admit().await?;
    let mut page = read(&reading).await?;
    if query.count == Count::Estimated {
        page.total = Some(estimate(&reading, &page).await?);
    }
    if reading.paths.is_empty() {
        return Ok(page);
    }
    page.included = expand::included(call, &reading.paths, &page.records).await?;
    for stored in &mut page.records {
        reading.show(stored);
    }
    let model = &call.table.model;
    let records: usize = page.records.iter().map(|stored| length(model, stored)).sum();
    if records + expand::bytes(&page.included) > MAX_ANSWER_BYTES {
        let message = "the page with what expand leads to is too large for one answer; ask for a smaller page_size, or \
                       expand fewer relations";
        return Err(Error::new(Reason::TooLarge, message));
    }
    Ok(page)
}

/// Reads as many records as fit, in parts, so that a page of large ones does not fill the memory.
async fn read(reading: &Reading<'_>) -> Result<Page, Error> {
    let mut page = Page::default();
    let mut bytes = 0;
    let room = match reading.paths.is_empty() {
        true => MAX_ANSWER_BYTES,
        // What comes beside the records needs room, too.
        false => MAX_ANSWER_BYTES - expand::MAX_BYTES,
    };
    let mut last: Option<Vec<Option<Bytes>>> = reading.after.clone();
    for is_first in std::iter::once(true).chain(std::iter::repeat(false)) {
        let limit = rows_to_read(reading.size, page.records.len(), bytes, room);
        let part = reading.part(last.as_deref(), limit, is_first)?;
        let layout = reading.layout(part.counted);
        let found = reading.rows(&layout, &part).await?;
        if part.counted {
            let count = found.first().map(|row| layout.count(row)).transpose()?.flatten();
            page.total = count.map(|size| Total { size, is_estimate: false });
        }
        let mut rows = 0;
        let mut before = None;
        for row in &found {
            let Some(mut stored) = reading.record(&layout, row)? else { continue };
            if reading.paths.is_empty() {
                reading.show(&mut stored);
            }
            rows += 1;
            let length = length(&reading.call.table.model, &stored);
            if page.records.len() == reading.size || (!page.records.is_empty() && bytes + length > room) {
                let last = before.map(|row| layout.values(row)).transpose()?.or(last);
                page.next_page_token = reading.token(last)?;
                return Ok(page);
            }
            bytes += length;
            page.records.push(stored);
            before = Some(row);
        }
        last = before.map(|row| layout.values(row)).transpose()?.or(last);
        if rows < limit {
            break;
        }
    }
    Ok(page)
}

/// How many bytes a record takes in an answer.
fn length(model: &Model, stored: &Stored) -> usize {
    FRAME_BYTES + wire::encoded_len(&model.shapes, model.shape, &stored.record)
}

/// How many rows are read at once: as many as a page still has room for by the average of those that it has. One row more
/// than is wanted says whether there is a next page.
fn rows_to_read(size: usize, records: usize, bytes: usize, room: usize) -> usize {
    let wanted = size.saturating_sub(records) + 1;
    let fitting = match records {
        0 => FIRST_ROWS,
        _ => room.saturating_sub(bytes) / (bytes / records).max(1) + 1,
    };
    wanted.min(fitting)
}

/// Counts by PostgreSQL's statistics, but at least what is seen.
async fn estimate(reading: &Reading<'_>, page: &Page) -> Result<Total, Error> {
    let statement = reading.selection().everything();
    let mut lease = reading.call.records.database().lease().await?;
    let plan = lease.run(async |conn| Plan::of(conn, &statement).await).await?;
    let seen = page.records.len() + usize::from(!page.next_page_token.is_empty());
    let seen = i64::try_from(seen).map_err(Error::internal)? + if seen == 0 { 0 } else { reading.skip };
    Ok(Total { size: plan.rows().max(seen), is_estimate: true })
}

#[cfg(test)]
mod tests {
    use super::{FIRST_ROWS, MAX_ANSWER_BYTES, rows_to_read};

    fn rows(size: usize, records: usize, bytes: usize) -> usize {
        rows_to_read(size, records, bytes, MAX_ANSWER_BYTES)
    }

    #[test]
    fn small_records_take_one_round_trip_or_two() {
        assert_eq!(rows(50, 0, 0), 51);
        assert_eq!(rows(1_000, 0, 0), FIRST_ROWS);
        assert_eq!(rows(1_000, FIRST_ROWS, FIRST_ROWS * 200), 1_001 - FIRST_ROWS);
        assert_eq!(rows(1_000, FIRST_ROWS, 0), 1_001 - FIRST_ROWS);
    }

    #[test]
    fn large_records_are_read_a_few_at_once() {
        let large = 40 << 10;
        let found = rows(1_000, FIRST_ROWS, FIRST_ROWS * large);
        assert!(found > 1 && found * large <= MAX_ANSWER_BYTES, "{found}");
        assert_eq!(rows(1_000, 1, MAX_ANSWER_BYTES * 2), 1);
    }
}
