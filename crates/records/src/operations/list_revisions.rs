//! The past states of a record: its history (AIP-162), and the record at a time (AIP-131's read by time).

use super::get;
use crate::call::Call;
use crate::clock::now;
use crate::history::{Coverage, MAX_BYTES, Written, first_after, newest_first};
use bytes::Bytes;
use groundplan_codec::Stored;
use groundplan_codec::mask::ReadMask;
use groundplan_error::{Error, Reason};
use groundplan_eventlog::Cursor;
use groundplan_operations::limits::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE};
use groundplan_operations::{HistoryPage, HistoryQuery, Included, RecordRevision, View};
use groundplan_proto::watch::v1::ChangeKind;
use groundplan_query::id::Id;
use groundplan_query::page_token::{Cursor as PageCursor, Origin};

/// The most that a caller's clock can be ahead of the server's, in microseconds.
const SKEW: i64 = 5_000_000;

/// Reads a page of a record's history, newest first.
pub(crate) async fn list_revisions(call: &Call<'_>, id: &str, query: &HistoryQuery) -> Result<HistoryPage, Error> {
    let model = &call.table.model;
    let id = Id::parse(model, id)?;
    let mask = ReadMask::parse(&model.shapes, model.shape, &query.read_mask)?;
    let size = page_size_of(query.page_size)?;
    let origin =
        Origin::of(["revisions", &call.principal.tenant, &model.full_name, &id.to_string()].map(str::as_bytes));
    let before = match query.page_token.as_str() {
        "" => Cursor { position: i64::MAX, part: i32::MAX },
        token => place_of(&call.records.page_tokens().open(&origin, token, now()?)?)?,
    };
    let coverage = Coverage::of_model(call.records, model).await?;
    let mut found = newest_first(call, &id, before, size + 1).await?;
    let goes_on = i64::try_from(found.len()).is_ok_and(|found| found > size) || is_cut(&found);
    found.truncate(usize::try_from(size).map_err(Error::internal)?);
    let reached = found.iter().take_while(|written| written.change.time >= coverage.from).count();
    let goes_on = goes_on && reached == found.len();
    found.truncate(reached);
    if found.is_empty() && query.page_token.is_empty() {
        // A record without changes in this period can still exist. If it does not, this returns the error.
        get::read(call, &id).await?;
    }
    let next_page_token = match found.last().filter(|_| goes_on) {
        Some(last) => call.records.page_tokens().seal(&origin, &cursor_of(last.at), now()?)?,
        None => String::new(),
    };
    Ok(HistoryPage {
        revisions: found.iter().filter_map(|written| revision(call, &mask, written)).collect(),
        next_page_token,
    })
}

/// Returns whether a page is short because its records are large.
fn is_cut(found: &[Written]) -> bool {
    found.iter().map(|written| written.bytes).sum::<usize>() >= MAX_BYTES
}

fn revision(call: &Call<'_>, mask: &ReadMask, written: &Written) -> Option<RecordRevision> {
    let model = &call.table.model;
    let change = &written.change;
    let mut stored = call.show(change.last_state()?.clone(), change.version);
    mask.apply(&model.shapes, model.shape, &mut stored.record);
    Some(RecordRevision {
        kind: change.kind,
        stored,
        time: change.time,
        principal: change.principal.clone(),
        changed_fields: change.changed_names(model),
        transaction: written.at.position.to_string(),
    })
}

/// Reads a record as it was at a time, in microseconds since the Unix epoch. Returns an error if the time is in the future,
/// or before the start of the history.
pub(crate) async fn get_past(call: &Call<'_>, id: &str, view: &View, time: i64) -> Result<(Stored, Included), Error> {
    let model = &call.table.model;
    let id = Id::parse(model, id)?;
    let mask = ReadMask::parse(&model.shapes, model.shape, &view.read_mask)?;
    if !view.expand.is_empty() {
        return Err(Error::field("expand", "empty", "must be empty where a time is read: relations are of now"));
    }
    let coverage = Coverage::of_model(call.records, model).await?;
    if time > now()?.saturating_add(SKEW) {
        return Err(Error::field("read_time", "timestamp.lt_now", "must not be in the future"));
    }
    if time < coverage.from {
        let (from, _) = groundplan_codec::timestamp_parts(coverage.from);
        let begins = chrono::DateTime::from_timestamp(from + 1, 0).unwrap_or_default();
        let begins = begins.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let message =
            format!("the history of {} does not reach back to that time; it starts at {begins}", model.full_name);
        return Err(Error::new(Reason::HistoryGone, message).with("begins", begins));
    }
    let mut stored = state_at(call, &id, time).await?;
    mask.apply(&model.shapes, model.shape, &mut stored.record);
    Ok((stored, Included::default()))
}

/// Returns the state of a record at a time: its state before the first change after that time, or its current state if
/// there is no such change.
async fn state_at(call: &Call<'_>, id: &Id, time: i64) -> Result<Stored, Error> {
    // The order matters: a change between the two reads is seen by the second.
    let current = get::read(call, id).await;
    let Some(written) = first_after(call, id, time).await? else {
        let (record, version) = current?;
        return Ok(call.show(record, version));
    };
    let change = written.change;
    let version = if change.kind == ChangeKind::Deleted { change.version } else { change.version - 1 };
    change.before.map(|before| call.show(before, version)).ok_or_else(|| call.not_found(id))
}

/// Returns the number of revisions that the caller requests. Returns an error if it is negative.
fn page_size_of(asked: i32) -> Result<i64, Error> {
    match asked {
        0 => Ok(DEFAULT_PAGE_SIZE.into()),
        1.. => Ok(asked.min(MAX_PAGE_SIZE).into()),
        _ => Err(Error::field(
            "page_size",
            "int32.gte",
            format!("must be 0 (for {DEFAULT_PAGE_SIZE}) to {MAX_PAGE_SIZE}"),
        )),
    }
}

fn cursor_of(at: Cursor) -> PageCursor {
    let bytes = [at.position.to_be_bytes().as_slice(), &at.part.to_be_bytes()].concat();
    PageCursor { now: 0, ids_descend: true, values: vec![Some(Bytes::from(bytes))] }
}

fn place_of(cursor: &PageCursor) -> Result<Cursor, Error> {
    let read = || {
        let bytes = cursor.values.first()?.as_ref()?;
        let (position, part) = bytes.split_first_chunk()?;
        Some(Cursor { position: i64::from_be_bytes(*position), part: i32::from_be_bytes(part.try_into().ok()?) })
    };
    read().ok_or_else(|| Error::internal("a page token of a history holds no place"))
}
