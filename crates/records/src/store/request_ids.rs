//! The stored responses of calls with a request id, so that a repeated call gets the same response.

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Columns as _, PartitionedTable, Sql, execute, rows};
use std::sync::LazyLock;
use std::time::Duration;

/// A request id, in its scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) principal: &'a str,
    /// The gRPC path of the method.
    pub(crate) method: &'a str,
    pub(crate) request_id: &'a str,
}

/// The parts of a key as owned strings.
pub(crate) type OwnedKey = [String; 4];

/// A finished call.
pub(crate) struct Answered {
    pub(crate) digest: Vec<u8>,
    pub(crate) answer: Vec<u8>,
}

/// Returns the table for the maintenance of its partitions.
pub(crate) fn partitioned(retention: Duration) -> PartitionedTable {
    PartitionedTable { table: "request_ids", retention }
}

/// Allows one call per key at a time, until the transaction ends. The lock's number is a hash of the key: keys with the same hash
/// only wait for each other.
static LOCK: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new("SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(E'\\n', ?::text, ?::text, ?::text, ?::text), 0))")
});

static FIND: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT digest, answer FROM request_ids \
         WHERE tenant = ?::text AND principal = ?::text AND method = ?::text AND request_id = ?::text",
    )
});

static INSERT: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "INSERT INTO request_ids (tenant, principal, method, request_id, digest, answer, period) \
         SELECT ?::text, ?::text, ?::text, ?::text, ?::bytea, ?::bytea, \
         to_timestamp(floor(extract(epoch FROM now()) / length.seconds) * length.seconds) \
         FROM (SELECT ?::bigint AS seconds) AS length",
    )
});

impl Key<'_> {
    pub(crate) fn to_owned(self) -> OwnedKey {
        self.parts().map(str::to_owned)
    }

    fn parts(&self) -> [&str; 4] {
        [self.tenant, self.principal, self.method, self.request_id]
    }

    fn binds(&self) -> [Bind; 4] {
        self.parts().map(Bind::text)
    }
}

/// Waits for concurrent calls of the same key, and returns the finished call if there is one. Call it first in a transaction.
pub(crate) async fn request_id_find(conn: &mut AsyncPgConnection, key: Key<'_>) -> QueryResult<Option<Answered>> {
    rows(conn, &LOCK, &key.binds()).await?;
    let calls = rows(conn, &FIND, &key.binds()).await?;
    let Some(row) = calls.first() else { return Ok(None) };
    let bytes = |at| row.bytes(at, |bytes| bytes.map(<[u8]>::to_vec).unwrap_or_default());
    Ok(Some(Answered { digest: bytes(0)?, answer: bytes(1)? }))
}

/// Records the response of a call.
pub(crate) async fn request_id_record(
    conn: &mut AsyncPgConnection,
    key: Key<'_>,
    answered: Answered,
    retention: Duration,
) -> QueryResult<()> {
    let mut binds = Vec::from(key.binds());
    binds.extend([Bind::bytes(answered.digest), Bind::bytes(answered.answer)]);
    binds.push(Bind::i64(partitioned(retention).length()));
    execute(conn, &INSERT, &binds).await.map(drop)
}

/// Reports whether an error means that another call recorded the same key.
pub(crate) fn is_request_id_taken(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, facts)
        if facts.table_name().is_some_and(|table| table.starts_with("request_ids")))
}

/// Reports whether an error means that the current time has no partition, because the machine slept or its clock jumped.
pub(crate) fn is_period_missing(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(_, facts)
        if facts.message().starts_with("no partition of relation \"request_ids\""))
}
