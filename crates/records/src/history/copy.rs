//! Copying: some events, and how far it came, in one transaction.

use super::CONSUMER;
use crate::service::Records;
use crate::stop::Stop;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns as _, Sql, execute, oid, rows};
use groundplan_error::Error;
use groundplan_eventlog::{Cursor, Event};
use groundplan_proto::records::v1;
use prost::Message as _;
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

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

/// Copies some events; says whether more may follow.
pub(super) async fn step(records: &Records) -> Result<bool, Error> {
    let mut lease = records.database().lease().await?;
    let copied = lease.run(async |connection| {
        let transaction = async |connection: &mut AsyncPgConnection| copy(records, connection).await;
        connection.build_transaction().read_committed().run(transaction).await
    });
    copied.await.map_err(Stop::into_error)
}

async fn copy(records: &Records, connection: &mut AsyncPgConnection) -> Result<bool, Stop> {
    let found = rows(connection, &LOCK, &[Bind::text(CONSUMER)]).await?;
    let Some(position) = found.first().map(|row| row.i64(0)).transpose()?.flatten() else {
        // Nobody keeps a history, or another process copies.
        return Ok(false);
    };
    let models = rows(connection, &MODELS, &[]).await?;
    let models = models.iter().filter_map(|row| row.text(0).transpose()).collect::<Result<HashSet<String>, _>>()?;
    let mut events = records.log().read(Cursor::behind(position)).await?;
    // A large transaction comes in several steps: the place that is kept is that of a whole one.
    let last = loop {
        if let Some(last) = whole(&events) {
            break last;
        }
        let Some(end) = events.last() else { return Ok(false) };
        let more = records.log().read(end.at).await?;
        if more.is_empty() {
            return Ok(false);
        }
        events.extend(more);
    };
    let kept: Vec<&Arc<Event>> =
        events.iter().filter(|event| event.at.position <= last && models.contains(&event.topic)).collect();
    if !kept.is_empty() {
        insert(connection, &kept).await?;
    }
    execute(connection, &MOVE, &[Bind::i64(last), Bind::text(CONSUMER)]).await?;
    Ok(true)
}

/// The last position of which all events are there.
fn whole(events: &[Arc<Event>]) -> Option<i64> {
    events.iter().rev().find(|event| event.is_last).map(|event| event.at.position)
}

/// Inserts events, unless they are there.
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

/// When a change was written.
fn time(event: &Event) -> i64 {
    v1::Change::decode(event.payload.clone()).map_or(event.appended_at, |change| change.time)
}
