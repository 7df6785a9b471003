//! The page token of a list of related records.

use crate::clock::now;
use crate::state::Records;
use crate::table::Table;
use bytes::Bytes;
use groundplan_error::Error;
use groundplan_query::bind::bind_id;
use groundplan_query::id::Id;
use groundplan_query::page_token::Cursor;
use groundplan_query::{Compiled, Parent};

/// Returns the token with which the list of a parent's records continues after the record `last`, in the order of the ids.
/// `table` is the table of the listed records.
pub(crate) fn related_token(
    records: &Records,
    tenant: &str,
    table: &Table,
    parent: &Parent,
    last: &Id,
) -> Result<String, Error> {
    let origin = Compiled::default().origin(tenant, &table.model, Some(parent), false);
    let id = bind_id(last).as_bytes().map(Bytes::copy_from_slice);
    let now = now()?;
    let cursor = Cursor { now, ids_descend: false, values: vec![id] };
    records.page_tokens().seal(&origin, &cursor, now)
}
