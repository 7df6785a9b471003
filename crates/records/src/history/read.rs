//! Reads the history of one record: the copy and later events of the log, in one snapshot.

use crate::call::Call;
use crate::change::Change;
use crate::streamed::rows_until;
use diesel::QueryResult;
use groundplan_chassis::database::{Bind, Columns as _, PgRow, Sql, database_error, rows};
use groundplan_error::Error;
use groundplan_eventlog::Cursor;
use groundplan_query::id::Id;
use std::ops::ControlFlow;
use std::sync::LazyLock;

/// A change in a record's history.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) at: Cursor,
    pub(crate) change: Change,
    /// Its approximate size in bytes.
    pub(crate) bytes: usize,
}

/// The maximum size of the changes of a page in bytes, without the last one.
pub(crate) const MAX_BYTES: usize = 3 << 20;

/// The copied changes of a record. Binds: tenant, topic, key.
const COPIED: &str = "SELECT position, part, kind, payload FROM history WHERE tenant = ? AND topic = ? AND key = ?";

/// The changes that are not copied yet. Binds: tenant, topic, key. The copier moves back when another model's history starts, so
/// this excludes changes that were copied before.
const NOT_COPIED: &str = "SELECT position, part, kind, payload FROM events WHERE tenant = ? AND topic = ? AND key = ? \
     AND position > coalesce((SELECT position FROM event_consumers WHERE name = 'history'), 0) \
     AND NOT EXISTS (SELECT FROM history AS copied WHERE copied.tenant = events.tenant AND copied.topic = events.topic \
     AND copied.key = events.key AND copied.position = events.position AND copied.part = events.part)";

static NEWEST_FIRST: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(&format!(
        "SELECT position, part, kind, payload FROM (\
           SELECT *, sum(octet_length(payload)) OVER (ORDER BY position DESC, part DESC ROWS UNBOUNDED PRECEDING) \
             - octet_length(payload) AS bytes_before FROM (\
             SELECT * FROM ({COPIED} UNION ALL {NOT_COPIED}) AS both_halves WHERE (position, part) < (?::bigint, ?::integer) \
             ORDER BY position DESC, part DESC LIMIT ?\
           ) AS few\
         ) AS sized WHERE bytes_before < {MAX_BYTES} ORDER BY position DESC, part DESC"
    ))
});

/// Reads changes of a record before a position, the newest first: at most `limit`, and at most [`MAX_BYTES`].
pub(crate) async fn newest_first(call: &Call<'_>, id: &Id, before: Cursor, limit: i64) -> Result<Vec<Written>, Error> {
    let mut binds = Vec::from(record(call, id));
    binds.extend(record(call, id));
    binds.extend([Bind::i64(before.position), Bind::i32(before.part), Bind::i64(limit)]);
    read(call, &NEWEST_FIRST, &binds).await
}

/// Changes that are not copied yet have no time column: the time is in the payload.
static SINCE: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(&format!(
        "({COPIED} AND time > ? ORDER BY position, part LIMIT 1) \
         UNION ALL ({NOT_COPIED} ORDER BY position, part LIMIT 1000) ORDER BY 1, 2"
    ))
});

/// The number of rows to skip after the result before the statement is cancelled.
const MAX_SKIPPED: usize = 16;

/// Returns the first change of a record after a time, in microseconds since the Unix epoch.
pub(crate) async fn first_after(call: &Call<'_>, id: &Id, time: i64) -> Result<Option<Written>, Error> {
    let mut binds = Vec::from(record(call, id));
    binds.push(Bind::timestamptz(time));
    binds.extend(record(call, id));
    let (mut first, mut skipped) = (None, 0);
    // Rows are read one at a time, because the log might have many large ones. Skipping a few is faster than cancelling the
    // statement.
    rows_until(call, &SINCE, &binds, |row| {
        if first.is_some() {
            skipped += 1;
        } else {
            first = Some(written(call, &row)?).filter(|written| written.change.time > time);
        }
        Ok(if skipped > MAX_SKIPPED { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })
    .await?;
    Ok(first)
}

fn record(call: &Call<'_>, id: &Id) -> [Bind; 3] {
    [Bind::text(&call.principal.tenant), Bind::text(&call.table.model.full_name), Bind::text(&id.to_string())]
}

async fn read(call: &Call<'_>, sql: &Sql, binds: &[Bind]) -> Result<Vec<Written>, Error> {
    let mut lease = call.records.database().lease().await?;
    let rows = lease.run(async |connection| rows(connection, sql, binds).await).await.map_err(database_error)?;
    rows.iter().map(|row| written(call, row)).collect()
}

fn written(call: &Call<'_>, row: &PgRow) -> Result<Written, Error> {
    let (at, kind, payload) = columns(row).map_err(database_error)?;
    let bytes = payload.len();
    // The payload, the decoded record, and the response.
    call.budget.hold(3 * bytes)?;
    Ok(Written { at, bytes, change: Change::of_payload(&call.table.model, kind, payload.into())? })
}

fn columns(row: &PgRow) -> QueryResult<(Cursor, i16, Vec<u8>)> {
    let missing = || diesel::result::Error::DeserializationError("a change lacks a column".into());
    let position = row.i64(0)?.ok_or_else(missing)?;
    let part = row.i32(1)?.ok_or_else(missing)?;
    let kind = row.array(2)?.map(i16::from_be_bytes).ok_or_else(missing)?;
    let payload = row.bytes(3, |bytes| bytes.map(<[u8]>::to_vec))?.ok_or_else(missing)?;
    Ok((Cursor { position, part }, kind, payload))
}
