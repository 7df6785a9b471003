//! List: the matching records, in order, page by page.

mod reading;

pub(crate) use reading::Reading;

use super::expand;
use crate::call::Call;
use crate::streamed::{FRAME_BYTES, MAX_ANSWER_BYTES};
use groundplan_chassis::database::PgRow;
use groundplan_codec::{Stored, wire};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use groundplan_operations::{ListQuery, Page, Total};
use groundplan_proto::query::v1::Count;
use groundplan_query::{Parent, Plan};
use std::ops::ControlFlow;

/// Reads a page of a model's records, or of the records that refer to a parent.
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
    page.included = expand::included(call, &reading.paths, &page.records, &reading.mask).await?;
    for stored in &mut page.records {
        reading.show(stored);
    }
    let model = &call.table.model;
    let records: usize = page.records.iter().map(|stored| length(model, stored)).sum();
    if records + expand::bytes(&page.included) > MAX_ANSWER_BYTES {
        let message = "the page with its expanded records is too large for one response; use a smaller page_size, or \
                       expand fewer relations";
        return Err(Error::new(Reason::TooLarge, message));
    }
    Ok(page)
}

/// Reads as many records as fit, with one statement, so that the count and the page come from the same snapshot. The rows
/// are streamed, so that a page of large records does not fill the memory.
async fn read(reading: &Reading<'_>) -> Result<Page, Error> {
    let part = reading.part()?;
    let layout = reading.layout(part.counted);
    let mut page = Page::default();
    let mut room = match reading.paths.is_empty() {
        true => MAX_ANSWER_BYTES,
        // The expanded records need capacity, too.
        false => MAX_ANSWER_BYTES - expand::MAX_BYTES,
    };
    let mut last: Option<PgRow> = None;
    let mut goes_on = false;
    reading
        .rows(&layout, &part, |row| {
            if part.counted && page.total.is_none() {
                page.total = layout.count(&row)?.map(|size| Total { size, is_estimate: false });
            }
            if page.records.len() == reading.size {
                // This is the extra row, which shows that there is a next page.
                goes_on = true;
                return Ok(ControlFlow::Continue(()));
            }
            let Some(mut stored) = reading.record(&layout, &row)? else { return Ok(ControlFlow::Continue(())) };
            if reading.paths.is_empty() {
                reading.show(&mut stored);
            }
            reading.call.hold(&stored.record)?;
            let length = length(&reading.call.table.model, &stored);
            if !page.records.is_empty() && length > room {
                goes_on = true;
                return Ok(ControlFlow::Break(()));
            }
            room = room.saturating_sub(length);
            page.records.push(stored);
            last = Some(row);
            Ok(ControlFlow::Continue(()))
        })
        .await?;
    if goes_on {
        let last = last.ok_or_else(|| Error::internal("a page without records has no next one"))?;
        page.next_page_token = reading.token(layout.values(&last)?)?;
    }
    Ok(page)
}

/// Returns the length of a record in a response, in bytes.
fn length(model: &Model, stored: &Stored) -> usize {
    FRAME_BYTES + wire::encoded_len(&model.shapes, model.shape, &stored.record)
}

/// Estimates the count from PostgreSQL's statistics, but returns at least the number of records that the page proves.
async fn estimate(reading: &Reading<'_>, page: &Page) -> Result<Total, Error> {
    let statement = reading.selection().everything();
    let mut lease = reading.call.records.database().lease().await?;
    let plan = lease.run(async |conn| Plan::of(conn, &statement).await).await?;
    let seen = page.records.len() + usize::from(!page.next_page_token.is_empty());
    let seen = i64::try_from(seen).map_err(Error::internal)? + if seen == 0 { 0 } else { reading.skip };
    Ok(Total { size: plan.rows().max(seen), is_estimate: true })
}
