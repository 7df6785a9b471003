//! Identifies the incarnation of a log that a token is from.
//!
//! A database that was restored, or that failed over to a standby without the newest commits, draws some positions again.
//! Tokens of the previous incarnation must not be accepted as positions in this one. The facts here detect a restored dump,
//! point-in-time recovery and failover; [`crate::resume`] detects a restored copy of the data directory.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns as _, PgRow, Sql, rows};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

/// A digest of the facts that identify a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Epoch(pub(crate) u64);

/// The server of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) epoch: Epoch,
    /// When PostgreSQL was started, in microseconds since the Unix epoch. A data directory cannot be restored under a running
    /// server, so the log stays the same while this does.
    pub(crate) started_at: i64,
}

/// The cluster, its timeline (which changes with each failover and point-in-time recovery), the database, the table, and the
/// identity that was created with the log. A dump contains only the identity.
static FACTS: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(
        "SELECT (SELECT system_identifier FROM pg_control_system())::text, \
         left(pg_walfile_name(pg_current_wal_lsn()), 8), \
         (SELECT oid FROM pg_database WHERE datname = current_database())::text, 'events'::regclass::oid::text, \
         (SELECT identity FROM event_log)::text, \
         (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint",
    )
});

impl Server {
    /// Queries the identity of the server of a connection.
    pub(crate) async fn identify(connection: &mut AsyncPgConnection) -> QueryResult<Self> {
        let rows = rows(connection, &FACTS, &[]).await?;
        let missing = || diesel::result::Error::DeserializationError("the log's identity is missing".into());
        let row = rows.first().ok_or_else(missing)?;
        let facts = (0..5).map(|at| fact(row, at)?.ok_or_else(missing)).collect::<QueryResult<Vec<String>>>()?;
        let digest: [u8; 32] = Sha256::digest(facts.join("\n")).into();
        let epoch = Epoch(digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)));
        Ok(Self { epoch, started_at: row.i64(5)?.ok_or_else(missing)? })
    }
}

fn fact(row: &PgRow, at: usize) -> QueryResult<Option<String>> {
    row.text(at)
}
