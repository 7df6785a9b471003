//! The SQL statements that read the log.

use crate::{Cursor, Event};
use bytes::Bytes;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns as _, PgRow, Sql, decode_timestamptz, rows};
use std::sync::LazyLock;

/// The maximum number of events of one read.
const MAX_EVENTS: i64 = 512;

/// The maximum size of the payloads of one read in bytes; only the last event can exceed it.
pub const MAX_READ_BYTES: i64 = 4 << 20;

/// The result of one read.
#[derive(Debug, Default)]
pub(crate) struct ReadResult {
    pub(crate) events: Vec<Event>,
    /// Events up to this position might have been dropped before the read.
    pub(crate) dropped_through: i64,
    /// Whether more events might follow.
    pub(crate) is_full: bool,
}

static READ: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(&format!(
        "SELECT position, part, is_last, appended_at, transaction, tenant, topic, key, kind, payload, \
         (SELECT dropped_through FROM event_log) FROM (\
           SELECT *, sum(octet_length(payload)) OVER (ORDER BY position, part ROWS UNBOUNDED PRECEDING) \
             - octet_length(payload) AS bytes_before FROM (\
             SELECT * FROM events WHERE (position, part) > (?::bigint, ?::integer) AND position <= ?::bigint \
             ORDER BY position, part LIMIT {MAX_EVENTS}\
           ) AS few\
         ) AS sized WHERE bytes_before < {MAX_READ_BYTES} ORDER BY position, part"
    ))
});

/// Reads the committed events after a location and up to a position, ignoring gaps.
pub(crate) async fn read(connection: &mut AsyncPgConnection, after: Cursor, through: i64) -> QueryResult<ReadResult> {
    let binds = [Bind::i64(after.position), Bind::i32(after.part), Bind::i64(through)];
    let rows = rows(connection, &READ, &binds).await?;
    let dropped_through = rows.first().map(|row| row.i64(10)).transpose()?.flatten().unwrap_or_default();
    let events = rows.iter().map(event).collect::<QueryResult<Vec<Event>>>()?;
    let bytes: usize = events.iter().map(|event| event.payload.len()).sum();
    let limit = usize::try_from(MAX_READ_BYTES).unwrap_or(usize::MAX);
    let max_events = usize::try_from(MAX_EVENTS).unwrap_or(usize::MAX);
    let is_full = events.len() >= max_events || bytes >= limit;
    Ok(ReadResult { events, dropped_through, is_full })
}

static DROPPED: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT dropped_through FROM event_log"));

/// Returns the position up to which events might have been dropped.
pub(crate) async fn dropped_through(connection: &mut AsyncPgConnection) -> QueryResult<i64> {
    let rows = rows(connection, &DROPPED, &[]).await?;
    Ok(rows.first().map(|row| row.i64(0)).transpose()?.flatten().unwrap_or_default())
}

fn event(row: &PgRow) -> QueryResult<Event> {
    let missing = || diesel::result::Error::DeserializationError("an event lacks a column".into());
    let text = |at| row.text(at)?.ok_or_else(missing);
    Ok(Event {
        at: Cursor { position: row.i64(0)?.ok_or_else(missing)?, part: row.i32(1)?.ok_or_else(missing)? },
        is_last: row.bool(2)?.ok_or_else(missing)?,
        appended_at: row.bytes(3, |bytes| bytes.and_then(decode_timestamptz))?.ok_or_else(missing)?,
        transaction: row.i64(4)?.ok_or_else(missing)?.cast_unsigned(),
        tenant: text(5)?,
        topic: text(6)?,
        key: text(7)?,
        kind: row.array(8)?.map(i16::from_be_bytes).ok_or_else(missing)?,
        payload: row.bytes(9, |bytes| bytes.map(Bytes::copy_from_slice))?.ok_or_else(missing)?,
    })
}
