//! Appends events in the transaction of the change.
//!
//! The statements draw the position after PostgreSQL has taken the lock on `events`, which it holds until the transaction
//! is visible to all. The tail depends on both. A transaction appends once; its events share one position.

use bytes::Bytes;
use diesel::QueryResult;
use diesel::result::Error;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql, execute, oid};
use std::sync::LazyLock;

/// An event to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Empty for events without a tenant.
    pub tenant: String,
    pub topic: String,
    pub key: String,
    /// A `groundplan.watch.v1.ChangeKind`.
    pub kind: i16,
    pub payload: Bytes,
}

impl NewEvent {
    /// Returns the binds of [`append_after_change`], in its order.
    pub fn into_binds(self) -> [Bind; 5] {
        [
            Bind::text(&self.tenant),
            Bind::text(&self.topic),
            Bind::text(&self.key),
            Bind::i32(self.kind.into()),
            Bind::bytes(self.payload),
        ]
    }
}

/// Returns a statement that runs `change`, an INSERT, UPDATE or DELETE without RETURNING, and appends one event if it changes a
/// row. The binds of `change` come first, then those of the event. Its row count is that of `change`.
pub fn append_after_change(change: &str) -> Sql {
    Sql::new(&format!(
        "WITH change AS ({change} RETURNING 1) \
         INSERT INTO events (position, part, is_last, tenant, topic, key, kind, payload) \
         SELECT nextval('events_position'), 0, true, ?::text, ?::text, ?::text, ?::integer::smallint, ?::bytea FROM change"
    ))
}

static APPEND_MANY: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "WITH drawn AS MATERIALIZED (SELECT nextval('events_position') AS position) \
         INSERT INTO events (position, part, is_last, tenant, topic, key, kind, payload) \
         SELECT drawn.position, (of.ordinal - 1)::integer, of.ordinal = ?::bigint, of.tenant, of.topic, of.key, \
         of.kind::smallint, of.payload \
         FROM drawn, unnest(?::text[], ?::text[], ?::text[], ?::integer[], ?::bytea[]) \
         WITH ORDINALITY AS of (tenant, topic, key, kind, payload, ordinal)",
    )
});

/// Appends events in order, with one position. Must be the last statement of a transaction.
pub async fn append(connection: &mut AsyncPgConnection, events: &[NewEvent]) -> QueryResult<()> {
    if events.is_empty() {
        return Ok(());
    }
    let texts = |field: fn(&NewEvent) -> &str| {
        let binds: Vec<Bind> = events.iter().map(|event| Bind::text(field(event))).collect();
        Bind::array(oid::TEXT, &binds)
    };
    let kinds: Vec<Bind> = events.iter().map(|event| Bind::i32(event.kind.into())).collect();
    let payloads: Vec<Bind> = events.iter().map(|event| Bind::bytes(event.payload.clone())).collect();
    let binds = [
        Bind::i64(i64::try_from(events.len()).unwrap_or(i64::MAX)),
        texts(|event| &event.tenant),
        texts(|event| &event.topic),
        texts(|event| &event.key),
        Bind::array(oid::INT4, &kinds),
        Bind::array(oid::BYTEA, &payloads),
    ];
    execute(connection, &APPEND_MANY, &binds).await.map(drop)
}

/// Returns a statement that appends the rows of a query, for more events than binds can hold. The query has the columns
/// `line`, which orders the events, `key`, `kind` and `payload`. The binds are the tenant, the topic and the number of rows.
/// Must be the last statement of a transaction, like [`append`].
pub fn append_selected(query: &str) -> String {
    format!(
        "WITH drawn AS MATERIALIZED (SELECT nextval('events_position') AS position) \
         INSERT INTO events (position, part, is_last, tenant, topic, key, kind, payload) \
         SELECT drawn.position, (of.ordinal - 1)::integer, of.ordinal = $3::bigint, $1::text, $2::text, of.key, of.kind, of.payload \
         FROM drawn, (SELECT row_number() OVER (ORDER BY line) AS ordinal, key, kind, payload FROM ({query}) AS given) AS of"
    )
}

/// Whether an append failed because no partition covers the current time, such as after the machine slept or its clock jumped.
pub fn is_partition_missing(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, facts) if facts.message().starts_with("no partition of relation \"events\""))
}
