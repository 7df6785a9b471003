//! Copies events and the position in one transaction.

use super::CONSUMER;
use crate::state::Records;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns as _, Sql, database_error, execute, oid, rows};
use groundplan_error::Error;
use groundplan_eventlog::{Cursor, Event};
use groundplan_proto::records::v1;
use prost::Message as _;
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

static POSITION: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT position FROM event_consumers WHERE name = ?"));

static LOCK: LazyLock<Sql> =
    LazyLock::new(|| Sql::new("SELECT position FROM event_consumers WHERE name = ? FOR UPDATE SKIP LOCKED"));

static MODELS: LazyLock<Sql> = LazyLock::new(|| Sql::new("SELECT topic FROM history_models"));

static INSERT: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "INSERT INTO history (tenant, topic, key, position, part, kind, time, payload) \
         SELECT tenant, topic, key, position, part, kind::smallint, time, payload FROM unnest(?::text[], ?::text[], ?::text[], \
         ?::bigint[], ?::integer[], ?::integer[], ?::timestamptz[], ?::bytea[]) \
         AS of (tenant, topic, key, position, part, kind, time, payload) ON CONFLICT DO NOTHING",
    )
});

static MOVE: LazyLock<Sql> = LazyLock::new(|| Sql::new("UPDATE event_consumers SET position = ? WHERE name = ?"));

/// Copies some events. Returns whether there might be more.
///
/// It reads the log before the transaction, so that it needs only one connection at a time. If another process copied meanwhile,
/// the next step continues from there.
pub(super) async fn step(records: &Records) -> Result<bool, Error> {
    let Some(position) = position(records).await? else { return Ok(false) };
    let Some((events, last)) = read(records, position).await? else { return Ok(false) };
    let mut lease = records.database().lease().await?;
    let copied = lease.run(async |connection| {
        let transaction = async |connection: &mut AsyncPgConnection| {
            // The pool might connect to another database by now.
            match records.log().is_on(connection).await? {
                true => copy(connection, position, &events, last).await,
                false => Ok(false),
            }
        };
        connection.build_transaction().read_committed().run(transaction).await
    });
    copied.await.map_err(TxError::into_error)
}

/// Returns the position of the copy; `None` if no model keeps a history.
async fn position(records: &Records) -> Result<Option<i64>, Error> {
    let mut lease = records.database().lease().await?;
    let rows = lease.run(async |connection| rows(connection, &POSITION, &[Bind::text(CONSUMER)]).await);
    let rows = rows.await.map_err(database_error)?;
    rows.first().map(|row| row.i64(0)).transpose().map(Option::flatten).map_err(database_error)
}

/// Returns the next events and the last position with complete events. A large transaction needs several reads, and only
/// complete transactions advance the position.
async fn read(records: &Records, position: i64) -> Result<Option<(Vec<Arc<Event>>, i64)>, Error> {
    let Some(progress) = records.log().progress() else { return Ok(None) };
    let mut events = records.log().read(Cursor::after(position)).await?;
    loop {
        if let Some(last) = last_complete(&events) {
            // If the database was replaced, these events are of the previous log.
            let is_same = progress.is_same_log(records.log().progress());
            return Ok(is_same.then_some((events, last)));
        }
        let Some(end) = events.last() else { return Ok(None) };
        let more = records.log().read(end.at).await?;
        if more.is_empty() {
            return Ok(None);
        }
        events.extend(more);
    }
}

/// Copies events after a position, unless another process copies or copied them.
async fn copy(
    connection: &mut AsyncPgConnection,
    position: i64,
    events: &[Arc<Event>],
    last: i64,
) -> Result<bool, TxError> {
    let consumers = rows(connection, &LOCK, &[Bind::text(CONSUMER)]).await?;
    let Some(now) = consumers.first().map(|row| row.i64(0)).transpose()?.flatten() else { return Ok(false) };
    if now != position {
        return Ok(true);
    }
    let models = rows(connection, &MODELS, &[]).await?;
    let models = models.iter().filter_map(|row| row.text(0).transpose()).collect::<Result<HashSet<String>, _>>()?;
    let kept: Vec<&Arc<Event>> =
        events.iter().filter(|event| event.at.position <= last && models.contains(&event.topic)).collect();
    if !kept.is_empty() {
        insert(connection, &kept).await?;
    }
    execute(connection, &MOVE, &[Bind::i64(last), Bind::text(CONSUMER)]).await?;
    Ok(true)
}

/// Returns the last position with complete events.
fn last_complete(events: &[Arc<Event>]) -> Option<i64> {
    events.iter().rev().find(|event| event.is_last).map(|event| event.at.position)
}

/// Inserts events that are not in the history yet.
async fn insert(connection: &mut AsyncPgConnection, events: &[&Arc<Event>]) -> diesel::QueryResult<()> {
    let column = |element, bind: &dyn Fn(&Event) -> Bind| {
        let binds: Vec<Bind> = events.iter().map(|event| bind(event)).collect();
        Bind::array(element, &binds)
    };
    let binds = [
        column(oid::TEXT, &|event| Bind::text(&event.tenant)),
        column(oid::TEXT, &|event| Bind::text(&event.topic)),
        column(oid::TEXT, &|event| Bind::text(&event.key)),
        column(oid::INT8, &|event| Bind::i64(event.at.position)),
        column(oid::INT4, &|event| Bind::i32(event.at.part)),
        column(oid::INT4, &|event| Bind::i32(event.kind.into())),
        column(oid::TIMESTAMPTZ, &|event| Bind::timestamptz(time(event))),
        column(oid::BYTEA, &|event| Bind::bytes(event.payload.clone())),
    ];
    execute(connection, &INSERT, &binds).await.map(drop)
}

/// Returns when a change was written, in microseconds since the Unix epoch.
fn time(event: &Event) -> i64 {
    v1::Change::decode(event.payload.clone()).map_or(event.appended_at, |change| change.time)
}
